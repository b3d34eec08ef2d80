import { randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK } from 'jose';
import { createQueue, readIfExists, writeAtomic } from '../../files.ts';
import { AwsError } from '../errors.ts';
import { attributesOf, demandPassword, keyOf, type PoolSettings } from './settings.ts';
import {
  type Client,
  fingerprint,
  issueTokens,
  newRefreshToken,
  type Refresh,
  type Signer,
  seconds,
  type Tokens,
} from './tokens.ts';

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const HASH_BYTES = 32;
/** How long a challenge may be answered; Cognito's default. */
const CHALLENGE_SECONDS = 180;

interface Secret {
  /** Base64. */
  readonly salt: string;
  readonly hash: string;
}

interface User extends Secret {
  /** The `sub` claim. */
  readonly id: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Seconds since 1970 until which the password lets the user choose one of his own, and nothing else. */
  readonly temporaryUntil?: number;
  readonly disabled?: boolean;
  /** Seconds since 1970. */
  readonly createdAt?: number;
}

/** A user as an administrator sees him. */
export interface UserSummary {
  readonly username: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly status: 'CONFIRMED' | 'FORCE_CHANGE_PASSWORD';
  /** Seconds since 1970. */
  readonly createdAt: number;
}

/** What `<data>/cognito/<pool>.json` holds; refresh tokens are stored by their SHA-256. */
interface State {
  readonly privateKey: string;
  readonly publicKey: JWK & { kid: string };
  readonly users: Record<string, User>;
  readonly refresh: Record<string, Refresh>;
}

/** A user as an administrator makes one. */
export interface NewUser {
  readonly username: string;
  readonly password: string;
  /** Whether the user has to choose another one at his first sign-in. @default false */
  readonly temporary?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** What a sign-in answers: tokens, or what else it takes. */
export type SignIn = { readonly tokens: Tokens } | { readonly newPasswordFor: User['id']; readonly session: string };

const newSalt = (): Buffer => randomBytes(16);

async function newState(): Promise<State> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: randomBytes(32).toString('base64'), alg: 'RS256', use: 'sig' };
  return { privateKey: await exportPKCS8(privateKey), publicKey: jwk, users: {}, refresh: {} };
}

async function secretOf(password: string): Promise<Secret> {
  const salt = newSalt();
  const hash = await derive(password, salt, HASH_BYTES);
  return { salt: salt.toString('base64'), hash: hash.toString('base64') };
}

/** An unknown user costs the same time as a wrong password. */
async function hasPassword(user: User | undefined, password: string): Promise<boolean> {
  const salt = user ? Buffer.from(user.salt, 'base64') : newSalt();
  const hash = await derive(password, salt, HASH_BYTES);
  return user !== undefined && timingSafeEqual(hash, Buffer.from(user.hash, 'base64'));
}

/** A user pool as the template sets it: its signing key, users and refresh tokens survive restarts. */
export class Pool {
  readonly id: string;
  readonly issuer: string;
  readonly #settings: PoolSettings;
  readonly #state: State;
  readonly #signer: Signer;
  readonly #save: () => Promise<void>;
  /** By the session that a challenge gave. */
  readonly #challenges = new Map<string, { readonly username: string; readonly until: number }>();

  private constructor(
    { id, issuer, settings }: Pick<Pool, 'id' | 'issuer'> & { settings: PoolSettings },
    state: State,
    key: CryptoKey,
    save: () => Promise<void>,
  ) {
    this.id = id;
    this.issuer = issuer;
    this.#settings = settings;
    this.#state = state;
    this.#signer = { key, kid: state.publicKey.kid, issuer };
    this.#save = save;
  }

  static async open(data: string, pool: { id: string; issuer: string; settings: PoolSettings }): Promise<Pool> {
    const file = join(data, 'cognito', `${pool.id}.json`);
    const stored = await readIfExists(file);
    const state = stored === undefined ? await newState() : (JSON.parse(stored) as State);
    const inTurn = createQueue();
    const save = (): Promise<void> => inTurn(() => writeAtomic(file, JSON.stringify(state)));
    if (stored === undefined) await save();
    return new Pool(pool, state, await importPKCS8(state.privateKey, 'RS256'), save);
  }

  get jwk(): JWK {
    return this.#state.publicKey;
  }

  /** No error if the user exists. */
  async createUser({ username, password, temporary = false, attributes }: NewUser): Promise<void> {
    const key = keyOf(this.#settings, username);
    const known = attributesOf(this.#settings, username, attributes);
    if (this.#state.users[key]) return;
    demandPassword(this.#settings, password);
    const until = seconds() + this.#settings.password.temporaryTtl;
    this.#state.users[key] = {
      ...(await secretOf(password)),
      id: randomUUID(),
      attributes: known,
      createdAt: seconds(),
      ...(temporary && { temporaryUntil: until }),
    };
    await this.#save();
  }

  has(username: string): boolean {
    return this.#keyOfUser(username) !== undefined;
  }

  /** All users, by name. */
  list(): UserSummary[] {
    const { emailIsName } = this.#settings;
    return Object.entries(this.#state.users)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([key, { id, attributes = {}, disabled = false, temporaryUntil, createdAt = 0 }]) => ({
        username: emailIsName ? id : key,
        attributes: { ...attributes, sub: id },
        enabled: !disabled,
        status: temporaryUntil === undefined ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD',
        createdAt,
      }));
  }

  /** Lets a user in, or no more. */
  async enable(username: string, enabled: boolean): Promise<void> {
    const key = this.#demandUser(username);
    this.#state.users[key] = { ...this.#state.users[key]!, disabled: !enabled };
    await this.#save();
  }

  /** Ends all sign-ins of a user: none of them gets another token. */
  async signOut(username: string): Promise<void> {
    const key = this.#demandUser(username);
    const { refresh } = this.#state;
    for (const [print, session] of Object.entries(refresh)) if (session.username === key) delete refresh[print];
    await this.#save();
  }

  /** By the name that he signs in with, or by the id that Cognito gave. */
  #keyOfUser(username: string): string | undefined {
    const key = keyOf(this.#settings, username);
    if (this.#state.users[key]) return key;
    return Object.entries(this.#state.users).find(([, { id }]) => id === username)?.[0];
  }

  #demandUser(username: string): string {
    const key = this.#keyOfUser(username);
    if (key === undefined) throw new AwsError('UserNotFoundException', 'User does not exist.');
    return key;
  }

  async signIn(client: Client, username: string, password: string): Promise<SignIn> {
    const key = keyOf(this.#settings, username);
    const user = this.#state.users[key];
    if (!user && !client.hidesUsers) throw new AwsError('UserNotFoundException', 'User does not exist.');
    const isRight = await hasPassword(user, password);
    if (!user || !isRight) {
      throw new AwsError('NotAuthorizedException', 'Incorrect username or password.');
    }
    if (user.disabled) throw new AwsError('NotAuthorizedException', 'User is disabled.');
    if (user.temporaryUntil === undefined) return { tokens: await this.#begin(client, key) };
    if (user.temporaryUntil < seconds()) {
      throw new AwsError(
        'NotAuthorizedException',
        'Temporary password has expired and must be reset by an administrator.',
      );
    }
    const session = newRefreshToken();
    this.#challenges.set(fingerprint(session), { username: key, until: seconds() + CHALLENGE_SECONDS });
    return { newPasswordFor: user.id, session };
  }

  /** Ends the challenge of a user who signed in with an administrator's password. */
  async choosePassword(client: Client, session: string, username: string, password: string): Promise<Tokens> {
    const challenge = this.#challenges.get(fingerprint(session));
    const user = challenge && this.#state.users[challenge.username];
    const isTheirs = user !== undefined && [user.id, challenge?.username].includes(keyOf(this.#settings, username));
    if (!challenge || !isTheirs || challenge.until < seconds()) {
      throw new AwsError('NotAuthorizedException', 'Invalid session for the user, session is expired.');
    }
    demandPassword(this.#settings, password);
    const { temporaryUntil: _, ...rest } = user;
    this.#state.users[challenge.username] = { ...rest, ...(await secretOf(password)) };
    this.#challenges.delete(fingerprint(session));
    return await this.#begin(client, challenge.username);
  }

  /** New tokens; where the client rotates, a refresh token too, which ends when the first one would have. */
  async refresh(client: Client, token: string): Promise<Tokens> {
    const session = this.#state.refresh[fingerprint(token)];
    if (!session || session.clientId !== client.id) {
      throw new AwsError('NotAuthorizedException', 'Invalid Refresh Token');
    }
    if (this.#state.users[session.username]?.disabled) {
      throw new AwsError('NotAuthorizedException', 'User is disabled.');
    }
    const now = seconds();
    if (session.expires < now) throw new AwsError('NotAuthorizedException', 'Refresh Token has expired');
    if (client.rotation === undefined) return this.#issue(client, session);
    const next = newRefreshToken();
    this.#state.refresh[fingerprint(next)] = session;
    const expires = Math.min(session.expires, now + client.rotation);
    if (client.rotation === 0) delete this.#state.refresh[fingerprint(token)];
    else this.#state.refresh[fingerprint(token)] = { ...session, expires };
    await this.#save();
    return { ...(await this.#issue(client, session)), RefreshToken: next };
  }

  async revoke(client: Client, token: string): Promise<void> {
    const print = fingerprint(token);
    if (this.#state.refresh[print]?.clientId !== client.id) return; // Cognito answers 200 to a token it does not know
    delete this.#state.refresh[print];
    await this.#save();
  }

  async #begin(client: Client, username: string): Promise<Tokens> {
    const token = newRefreshToken();
    const now = seconds();
    const session: Refresh = {
      username,
      clientId: client.id,
      originId: randomUUID(),
      authTime: now,
      expires: now + client.refreshTtl,
    };
    const { refresh } = this.#state;
    for (const [print, { expires }] of Object.entries(refresh)) if (expires < now) delete refresh[print];
    refresh[fingerprint(token)] = session;
    await this.#save();
    return { ...(await this.#issue(client, session)), RefreshToken: token };
  }

  #issue(client: Client, session: Refresh): Promise<Tokens> {
    const { id = '', attributes = {} } = this.#state.users[session.username] ?? {};
    const username = this.#settings.emailIsName ? id : session.username;
    return issueTokens(this.#signer, client, session, { id, username, attributes });
  }
}
