import type { IncomingMessage } from 'node:http';
import { readBody } from '../../body.ts';
import { AwsError } from '../errors.ts';
import { operationOf, parseMembers } from '../json-api.ts';
import type { ChallengeName } from './challenges.ts';
import type { Registered } from './clients.ts';
import type { Holder, Pool, SignIn } from './pool.ts';
import type { Tokens } from './tokens.ts';

type Members = Readonly<Record<string, unknown>>;

const MAX_BODY = 64 * 1024;

const ofClients: Readonly<Record<string, (registered: Registered, members: Members) => Promise<unknown>>> = {
  InitiateAuth: initiateAuth,
  async RespondToAuthChallenge(registered, { ChallengeName, Session, ChallengeResponses }) {
    const responses = (ChallengeResponses ?? {}) as Record<string, string>;
    const name = ChallengeName as ChallengeName;
    return await answered(registered, await registered.pool.respond(name, String(Session), responses));
  },
  async GetTokensFromRefreshToken({ client, pool }, members) {
    return authenticated(await pool.refresh(client, String(members.RefreshToken)));
  },
  async RevokeToken({ client, pool }, members) {
    await pool.revoke(client, String(members.Token));
    return {};
  },
};

/** What users do for themselves, signed in or about to be. */
const ofUsers: Readonly<Record<string, (pool: Pool, holder: Holder, members: Members) => Promise<unknown>>> = {
  async AssociateSoftwareToken(pool, holder) {
    const { secret, session } = await pool.associate(holder);
    return { SecretCode: secret, ...(session && { Session: session }) };
  },
  async VerifySoftwareToken(pool, holder, { UserCode }) {
    const { session } = await pool.verify(holder, String(UserCode));
    return { Status: 'SUCCESS', ...(session && { Session: session }) };
  },
  async SetUserMFAPreference(pool, holder, { SoftwareTokenMfaSettings }) {
    const { Enabled } = (SoftwareTokenMfaSettings ?? {}) as Members;
    await pool.prefer(await pool.keyOf(holder), Enabled === true);
    return {};
  },
};

/**
 * The calls of Cognito that carry no signature.
 * @throws AwsError
 */
export async function callUserApi(
  { clients, pools }: { clients: ReadonlyMap<string, Registered>; pools: ReadonlyMap<string, Pool> },
  request: IncomingMessage,
): Promise<unknown> {
  const operation = operationOf(request);
  const body = await readBody(request, MAX_BODY);
  if (!body) throw new AwsError('SerializationException', `The body exceeds ${MAX_BODY} bytes.`);
  const members = parseMembers(body);
  const ofUser = ofUsers[operation];
  if (ofUser) {
    const [pool, holder] = await holderIn(pools, members);
    return await ofUser(pool, holder, members);
  }
  const ofClient = ofClients[operation];
  if (!ofClient) {
    const names = [...Object.keys(ofClients), ...Object.keys(ofUsers)].join(', ');
    throw new AwsError('UnknownOperationException', `The local Cognito has ${names}.`);
  }
  const id = String(members.ClientId);
  const registered = clients.get(id);
  if (!registered) throw new AwsError('ResourceNotFoundException', `User pool client ${id} does not exist.`);
  return await ofClient(registered, members);
}

/** Neither a session nor an access token says whose it is to who does not know it. */
async function holderIn(pools: ReadonlyMap<string, Pool>, { Session, AccessToken }: Members): Promise<[Pool, Holder]> {
  const holder = Session === undefined ? { accessToken: String(AccessToken) } : { session: String(Session) };
  let refusal: unknown = new AwsError('NotAuthorizedException', 'Invalid Access Token');
  for (const pool of pools.values()) {
    try {
      await pool.keyOf(holder);
      return [pool, holder];
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

async function initiateAuth(registered: Registered, members: Members): Promise<unknown> {
  const { client, pool } = registered;
  const { USERNAME = '', PASSWORD = '', REFRESH_TOKEN = '' } = (members.AuthParameters ?? {}) as Record<string, string>;
  const flow = String(members.AuthFlow).replace('REFRESH_TOKEN_AUTH', 'REFRESH_TOKEN');
  const allowed = client.flows.includes(`ALLOW_${flow}_AUTH`) || client.flows.includes(`ALLOW_${flow}`);
  if (!allowed) throw new AwsError('InvalidParameterException', `${flow} flow not enabled for this client`);
  if (flow === 'REFRESH_TOKEN') {
    if (client.rotation === undefined) return authenticated(await pool.refresh(client, REFRESH_TOKEN));
    throw new AwsError(
      'InvalidParameterException',
      'This client rotates refresh tokens: use GetTokensFromRefreshToken.',
    );
  }
  if (flow !== 'USER_PASSWORD_AUTH') {
    throw new AwsError('InvalidParameterException', `The local Cognito has no ${flow}: use USER_PASSWORD_AUTH.`);
  }
  if (USERNAME === '') throw new AwsError('InvalidParameterException', 'Missing required parameter USERNAME');
  return await answered(registered, await pool.signIn(client, USERNAME, PASSWORD));
}

async function answered({ client, pool }: Registered, signIn: SignIn): Promise<unknown> {
  if ('key' in signIn) return authenticated(await pool.begin(client, signIn.key));
  const more = {
    NEW_PASSWORD_REQUIRED: { requiredAttributes: '[]', userAttributes: '{}' },
    MFA_SETUP: { MFAS_CAN_SETUP: '["SOFTWARE_TOKEN_MFA"]' },
    SOFTWARE_TOKEN_MFA: { FRIENDLY_DEVICE_NAME: 'tidemark' },
  }[signIn.challenge];
  return {
    ChallengeName: signIn.challenge,
    Session: signIn.session,
    ChallengeParameters: { USER_ID_FOR_SRP: signIn.userId, ...more },
  };
}

function authenticated(tokens: Tokens): unknown {
  return { AuthenticationResult: tokens, ChallengeParameters: {} };
}
