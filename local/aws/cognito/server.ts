import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { reason } from '../../errors.ts';
import type { Log } from '../../types.ts';
import { ACCOUNT, type Provider, REGION } from '../../types.ts';
import { AwsError } from '../errors.ts';
import { readBody, sendJson } from '../http.ts';
import { operationOf, parseMembers, sendJsonError } from '../json-api.ts';
import { type NewUser, Pool } from './pool.ts';
import { readSettings } from './settings.ts';
import type { Client, Tokens } from './tokens.ts';

const MAX_BODY = 64 * 1024;
const UNIT_SECONDS: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };

export interface Cognito {
  readonly providers: Readonly<Record<string, Provider>>;
  createUser(poolId: string, user: NewUser): Promise<void>;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Undefined where there is none of that id. */
  pool(id: string): Pool | undefined;
}

function suffix(name: string, length: number): string {
  const digits = BigInt(`0x${createHash('sha256').update(name).digest('hex')}`).toString(36);
  return digits.slice(0, length);
}

/** A validity as the template gives it: a number and, beside it, its unit. */
function validity(
  properties: Readonly<Record<string, unknown>>,
  token: string,
  unit: string,
  fallback: number,
): number {
  const value = properties[`${token}Validity`];
  const units = properties.TokenValidityUnits as Record<string, string> | undefined;
  return value === undefined ? fallback : Number(value) * (UNIT_SECONDS[units?.[token] ?? unit] ?? 1);
}

function readClient(id: string, properties: Readonly<Record<string, unknown>>): Client {
  const { Feature, RetryGracePeriodSeconds } = (properties.RefreshTokenRotation ?? {}) as Record<string, unknown>;
  return {
    ...(Feature === 'ENABLED' && { rotation: Number(RetryGracePeriodSeconds ?? 0) }),
    id,
    flows: (properties.ExplicitAuthFlows as string[] | undefined) ?? [],
    hidesUsers: properties.PreventUserExistenceErrors === 'ENABLED',
    accessTtl: validity(properties, 'AccessToken', 'hours', UNIT_SECONDS.hours ?? 3600),
    refreshTtl: validity(properties, 'RefreshToken', 'days', 30 * (UNIT_SECONDS.days ?? 86_400)),
  };
}

/** A client of a pool, as it was provisioned. */
interface Registered {
  readonly client: Client;
  readonly pool: Pool;
}

type Members = Readonly<Record<string, unknown>>;

/**
 * User pools with the settings of the template: those calls of the Cognito API that carry no signature, and each pool's
 * OpenID configuration and key set at `<base>/<pool id>/.well-known/`.
 */
export function createCognito(data: string, base: string, log: Log): Cognito {
  const pools = new Map<string, Pool>();
  const clients = new Map<string, Registered>();

  return {
    providers: {
      'AWS::Cognito::UserPool': async ({ physicalName, properties }) => {
        const id = `${REGION}_${suffix(physicalName, 9)}`;
        const pool = await Pool.open(data, { id, issuer: `${base}/${id}`, settings: readSettings(properties) });
        pools.set(id, pool);
        return {
          ref: id,
          attributes: {
            UserPoolId: id,
            Arn: `arn:aws:cognito-idp:${REGION}:${ACCOUNT}:userpool/${id}`,
            ProviderName: pool.issuer.replace('https://', ''),
            ProviderURL: pool.issuer,
          },
        };
      },
      'AWS::Cognito::UserPoolClient': ({ properties, physicalName, logicalId }) => {
        const pool = pools.get(String(properties.UserPoolId));
        if (!pool) throw new Error(`${logicalId}: there is no user pool ${properties.UserPoolId}.`);
        const id = suffix(physicalName, 26);
        clients.set(id, { client: readClient(id, properties), pool });
        return { ref: id, attributes: { ClientId: id } };
      },
    },
    pool: (id) => pools.get(id),
    async createUser(poolId, user) {
      const pool = pools.get(poolId);
      if (!pool) throw new Error(`There is no user pool ${poolId}: it has ${[...pools.keys()].join(', ') || 'none'}.`);
      await pool.createUser(user);
    },
    async handle(request, response) {
      try {
        if (request.method === 'GET') {
          const document = discovery(pools, pathOf(request));
          sendJson(response, document ? 200 : 404, document ?? { message: 'Not Found' });
        } else {
          const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() };
          sendJson(response, 200, await call(clients, request), headers);
        }
      } catch (error) {
        if (!(error instanceof AwsError)) log(`cognito: ${reason(error)}`);
        const known = error instanceof AwsError ? error : new AwsError('InternalErrorException', reason(error), 500);
        sendJsonError(response, known);
      }
    },
  };
}

function pathOf({ url }: IncomingMessage): string {
  return (url ?? '/').split('?')[0] ?? '/';
}

/** What a pool publishes about itself at that path; undefined where there is nothing. */
function discovery(pools: ReadonlyMap<string, Pool>, path: string): unknown {
  const [, id = '', document] = /^\/([^/]+)\/\.well-known\/([^/]+)$/.exec(path) ?? [];
  const pool = pools.get(id);
  if (!pool) return undefined;
  if (document === 'jwks.json') return { keys: [pool.jwk] };
  if (document !== 'openid-configuration') return undefined;
  return {
    issuer: pool.issuer,
    jwks_uri: `${pool.issuer}/.well-known/jwks.json`,
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
    response_types_supported: ['code', 'token'],
  };
}

const operations: Readonly<Record<string, (registered: Registered, members: Members) => Promise<unknown>>> = {
  InitiateAuth: initiateAuth,
  RespondToAuthChallenge: respond,
  async GetTokensFromRefreshToken({ client, pool }, members) {
    return authenticated(await pool.refresh(client, String(members.RefreshToken)));
  },
  async RevokeToken({ client, pool }, members) {
    await pool.revoke(client, String(members.Token));
    return {};
  },
};

async function call(clients: ReadonlyMap<string, Registered>, request: IncomingMessage): Promise<unknown> {
  const operation = operations[operationOf(request)];
  const body = await readBody(request, MAX_BODY);
  if (request.method !== 'POST' || pathOf(request) !== '/' || !operation) {
    const names = Object.keys(operations).join(' and ');
    throw new AwsError('UnknownOperationException', `The local Cognito has ${names}.`);
  }
  if (!body) throw new AwsError('SerializationException', `The body exceeds ${MAX_BODY} bytes.`);
  const members = parseMembers(body);
  const id = String(members.ClientId);
  const registered = clients.get(id);
  if (!registered) throw new AwsError('ResourceNotFoundException', `User pool client ${id} does not exist.`);
  return operation(registered, members);
}

async function initiateAuth({ client, pool }: Registered, members: Members): Promise<unknown> {
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
  const signedIn = await pool.signIn(client, USERNAME, PASSWORD);
  if ('tokens' in signedIn) return authenticated(signedIn.tokens);
  return {
    ChallengeName: 'NEW_PASSWORD_REQUIRED',
    Session: signedIn.session,
    ChallengeParameters: { USER_ID_FOR_SRP: signedIn.newPasswordFor, requiredAttributes: '[]', userAttributes: '{}' },
  };
}

async function respond({ client, pool }: Registered, members: Members): Promise<unknown> {
  if (members.ChallengeName !== 'NEW_PASSWORD_REQUIRED') {
    throw new AwsError('InvalidParameterException', `The local Cognito has no challenge ${members.ChallengeName}.`);
  }
  const { USERNAME = '', NEW_PASSWORD = '' } = (members.ChallengeResponses ?? {}) as Record<string, string>;
  return authenticated(await pool.choosePassword(client, String(members.Session), USERNAME, NEW_PASSWORD));
}

function authenticated(tokens: Tokens): unknown {
  return { AuthenticationResult: tokens, ChallengeParameters: {} };
}
