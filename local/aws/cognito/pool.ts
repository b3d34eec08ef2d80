import { createHash, randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK, SignJWT } from 'jose';
import { createQueue, readIfExists, writeAtomic } from '../../files.ts';
import { AwsError } from '../errors.ts';

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const HASH_BYTES = 32;

interface User {
  /** The `sub` claim. */
  readonly id: string;
  /** Base64. */
  readonly salt: string;
  readonly hash: string;
}

interface Refresh {
  readonly username: string;
  readonly clientId: string;
  readonly originId: string;
  /** Seconds since 1970. */
  readonly authTime: number;
  readonly expires: number;
}

/** What `<data>/cognito/<pool>.json` holds; refresh tokens are stored by their SHA-256. */
interface State {
  readonly privateKey: string;
  readonly publicKey: JWK & { kid: string };
  readonly users: Record<string, User>;
  readonly refresh: Record<string, Refresh>;
}

export interface Client {
  readonly id: string;
  readonly flows: readonly string[];
  readonly hidesUsers: boolean;
  /** Seconds. */
  readonly accessTtl: number;
  readonly refreshTtl: number;
}

interface Tokens {
  readonly AccessToken: string;
  readonly IdToken: string;
  readonly ExpiresIn: number;
  readonly TokenType: 'Bearer';
  readonly RefreshToken?: string;
}

export interface Pool {
  readonly id: string;
  readonly issuer: string;
  readonly jwk: JWK;
  createUser(username: string, password: string): Promise<void>;
  signIn(client: Client, username: string, password: string): Promise<Tokens>;
  refresh(client: Client, token: string): Promise<Tokens>;
  revoke(client: Client, token: string): Promise<void>;
}

const seconds = (): number => Math.floor(Date.now() / 1000);
const fingerprint = (token: string): string => createHash('sha256').update(token).digest('hex');

async function newState(): Promise<State> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: randomBytes(32).toString('base64'), alg: 'RS256', use: 'sig' };
  return { privateKey: await exportPKCS8(privateKey), publicKey: jwk, users: {}, refresh: {} };
}

async function newUser(password: string): Promise<User> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, HASH_BYTES);
  return { id: randomUUID(), salt: salt.toString('base64'), hash: hash.toString('base64') };
}

/** An unknown user costs the same time as a wrong password. */
async function hasPassword(user: User | undefined, password: string): Promise<boolean> {
  const salt = user ? Buffer.from(user.salt, 'base64') : randomBytes(16);
  const hash = await derive(password, salt, HASH_BYTES);
  return user !== undefined && timingSafeEqual(hash, Buffer.from(user.hash, 'base64'));
}

/** By what a pool signs its tokens. */
interface Signer {
  readonly key: CryptoKey;
  readonly kid: string;
  readonly issuer: string;
}

/** The claims of Cognito's own access and ID tokens. */
async function issueTokens(signer: Signer, client: Client, session: Refresh, subject: string): Promise<Tokens> {
  const { username, authTime, originId } = session;
  const common = { origin_jti: originId, auth_time: authTime };
  const access = { ...common, token_use: 'access', client_id: client.id, username };
  const scope = { scope: 'aws.cognito.signin.user.admin' };
  const identity = { ...common, token_use: 'id', aud: client.id, 'cognito:username': username };
  const now = seconds();
  const sign = (claims: Record<string, unknown>): Promise<string> =>
    new SignJWT({ ...claims, jti: randomUUID(), event_id: randomUUID() })
      .setProtectedHeader({ alg: 'RS256', kid: signer.kid })
      .setIssuer(signer.issuer)
      .setSubject(subject)
      .setIssuedAt(now)
      .setExpirationTime(now + client.accessTtl)
      .sign(signer.key);
  const [AccessToken, IdToken] = await Promise.all([sign({ ...access, ...scope }), sign(identity)]);
  return { AccessToken, IdToken, ExpiresIn: client.accessTtl, TokenType: 'Bearer' };
}

/** Opens a user pool: its signing key, users and refresh tokens survive restarts. */
export async function openPool(data: string, id: string, issuer: string): Promise<Pool> {
  const file = join(data, 'cognito', `${id}.json`);
  const stored = await readIfExists(file);
  const state = stored === undefined ? await newState() : (JSON.parse(stored) as State);
  const inTurn = createQueue();
  const save = (): Promise<void> => inTurn(() => writeAtomic(file, JSON.stringify(state)));
  if (stored === undefined) await save();

  const signer: Signer = { key: await importPKCS8(state.privateKey, 'RS256'), kid: state.publicKey.kid, issuer };
  const issue = (client: Client, session: Refresh): Promise<Tokens> =>
    issueTokens(signer, client, session, state.users[session.username]?.id ?? '');

  return {
    id,
    issuer,
    jwk: state.publicKey,
    async createUser(username, password) {
      if (state.users[username]) return;
      state.users[username] = await newUser(password);
      await save();
    },
    async signIn(client, username, password) {
      const user = state.users[username];
      if (!user && !client.hidesUsers) throw new AwsError('UserNotFoundException', 'User does not exist.');
      if (!(await hasPassword(user, password))) {
        throw new AwsError('NotAuthorizedException', 'Incorrect username or password.');
      }
      const token = randomBytes(48).toString('base64url');
      const now = seconds();
      const session = {
        username,
        clientId: client.id,
        originId: randomUUID(),
        authTime: now,
        expires: now + client.refreshTtl,
      };
      for (const [print, { expires }] of Object.entries(state.refresh)) if (expires < now) delete state.refresh[print];
      state.refresh[fingerprint(token)] = session;
      await save();
      return { ...(await issue(client, session)), RefreshToken: token };
    },
    async refresh(client, token) {
      const session = state.refresh[fingerprint(token)];
      if (!session || session.clientId !== client.id) {
        throw new AwsError('NotAuthorizedException', 'Invalid Refresh Token');
      }
      if (session.expires < seconds()) throw new AwsError('NotAuthorizedException', 'Refresh Token has expired');
      return issue(client, session);
    },
    async revoke(client, token) {
      const print = fingerprint(token);
      if (state.refresh[print]?.clientId !== client.id) return; // Cognito answers 200 to a token it does not know
      delete state.refresh[print];
      await save();
    },
  };
}
