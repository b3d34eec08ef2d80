import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8, type JWK, jwtVerify } from 'jose';
import { createQueue, readIfExists, writeAtomic } from '../../files.ts';
import { AwsError } from '../errors.ts';
import { type ChallengeName, Challenges } from './challenges.ts';
import { isPassword } from './passwords.ts';
import { afterCode, newFactor } from './second-factor.ts';
import type { PoolSettings } from './settings.ts';
import {
  type Client,
  fingerprint,
  issueTokens,
  newRefreshToken,
  type Refresh,
  SELF_SERVICE,
  type Signer,
  seconds,
  type Tokens,
} from './tokens.ts';
import { type User, Users } from './users.ts';

/** What `<data>/cognito/<pool>.json` holds; refresh tokens are stored by their SHA-256. */
interface State {
  readonly privateKey: string;
  readonly publicKey: JWK & { kid: string };
  readonly users: Record<string, User>;
  readonly refresh: Record<string, Refresh>;
}

/** Where a sign-in stands: the user's key once it is complete, or what it still takes. */
export type SignIn =
  | { readonly key: string }
  | { readonly challenge: ChallengeName; readonly session: string; readonly userId: string };

/** Who sets up a second factor: somebody in the middle of a sign-in, or signed in. */
export type Holder = { readonly session: string } | { readonly accessToken: string };

async function newState(): Promise<State> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: randomBytes(32).toString('base64'), alg: 'RS256', use: 'sig' };
  return { privateKey: await exportPKCS8(privateKey), publicKey: jwk, users: {}, refresh: {} };
}

/** A user pool as the template sets it: its signing key, users and refresh tokens survive restarts. */
export class Pool {
  readonly id: string;
  readonly issuer: string;
  readonly users: Users;
  readonly #settings: PoolSettings;
  readonly #state: State;
  readonly #signer: Signer;
  readonly #save: () => Promise<void>;
  readonly #challenges = new Challenges();

  private constructor(
    { id, issuer, settings }: Pick<Pool, 'id' | 'issuer'> & { settings: PoolSettings },
    state: State,
    key: CryptoKey,
    save: () => Promise<void>,
  ) {
    this.id = id;
    this.issuer = issuer;
    this.users = new Users(settings, state.users, save);
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

  /** Whether users may have a second factor, or have to. */
  get mfa(): PoolSettings['mfa'] {
    return this.#settings.mfa;
  }

  /** Ends all sign-ins of a user: none of them gets another token. */
  async signOut(username: string): Promise<void> {
    const key = this.users.demand(username);
    const { refresh } = this.#state;
    for (const [print, session] of Object.entries(refresh)) if (session.username === key) delete refresh[print];
    await this.#save();
  }

  async signIn({ hidesUsers }: Pick<Client, 'hidesUsers'>, username: string, password: string): Promise<SignIn> {
    const key = this.users.keyOf(username) ?? '';
    const user = this.users.get(key);
    if (!user && !hidesUsers) throw new AwsError('UserNotFoundException', 'User does not exist.');
    const isRight = await isPassword(user, password);
    if (!user || !isRight) throw new AwsError('NotAuthorizedException', 'Incorrect username or password.');
    if (user.disabled) throw new AwsError('NotAuthorizedException', 'User is disabled.');
    if (user.temporaryUntil === undefined) return this.#next(key);
    if (user.temporaryUntil >= seconds()) return this.#challenge('NEW_PASSWORD_REQUIRED', key);
    const message = 'Temporary password has expired and must be reset by an administrator.';
    throw new AwsError('NotAuthorizedException', message);
  }

  /** @param responses to the challenge, with the user as the challenge named him */
  async respond(name: ChallengeName, session: string, responses: Readonly<Record<string, string>>): Promise<SignIn> {
    const { key, proven = false } = this.#challenges.find(session, name);
    if (this.users.keyOf(responses.USERNAME ?? '') !== key) {
      throw new AwsError('NotAuthorizedException', 'Invalid session for the user, session is expired.');
    }
    if (name === 'NEW_PASSWORD_REQUIRED') await this.users.setPassword(key, responses.NEW_PASSWORD ?? '');
    if (name === 'SOFTWARE_TOKEN_MFA') {
      const mismatch = new AwsError('CodeMismatchException', 'Invalid code received for user');
      await this.#takeCode(key, responses.SOFTWARE_TOKEN_MFA_CODE ?? '', mismatch);
    }
    if (name === 'MFA_SETUP' && !proven) {
      throw new AwsError('NotAuthorizedException', 'Invalid session for the user, session is expired.');
    }
    this.#challenges.end(session);
    return name === 'NEW_PASSWORD_REQUIRED' ? this.#next(key) : { key };
  }

  /** Gives a user another key for an authenticator; the one before, if any, counts no more. */
  async associate(holder: Holder): Promise<{ secret: string; session?: string }> {
    const key = await this.keyOf(holder);
    if (this.#settings.mfa === 'OFF') {
      const message = 'Software Token MFA has not been enabled by the userPool.';
      throw new AwsError('SoftwareTokenMFANotFoundException', message);
    }
    const factor = newFactor();
    await this.users.change(key, { factor });
    if (!('session' in holder)) return { secret: factor.secret };
    this.#challenges.end(holder.session);
    return { secret: factor.secret, session: this.#challenges.begin({ name: 'MFA_SETUP', key }) };
  }

  /** Takes the first code of a new authenticator. */
  async verify(holder: Holder, code: string): Promise<{ session?: string }> {
    const key = await this.keyOf(holder);
    const message = 'Code mismatch and fail enable Software Token MFA';
    await this.#takeCode(key, code, new AwsError('EnableSoftwareTokenMFAException', message));
    if (!('session' in holder)) return {};
    this.#challenges.end(holder.session);
    await this.prefer(key, true);
    return { session: this.#challenges.begin({ name: 'MFA_SETUP', key, proven: true }) };
  }

  /** Whether a user's factor is asked for, where the pool leaves the choice. */
  async prefer(key: string, enabled: boolean): Promise<void> {
    const factor = this.users.get(key)?.factor;
    if (enabled && !factor?.verified) {
      throw new AwsError('InvalidParameterException', 'User has not verified software token mfa');
    }
    if (factor) await this.users.change(key, { factor: { ...factor, enabled } });
  }

  /**
   * The user whose access token that is.
   * @throws AwsError where it is none of this pool, or not made for what users do for themselves
   */
  async bearer(accessToken: string): Promise<string> {
    const { payload } = await jwtVerify(accessToken, await importJWK(this.jwk, 'RS256'), { issuer: this.issuer }).catch(
      () => {
        throw new AwsError('NotAuthorizedException', 'Invalid Access Token');
      },
    );
    if (!String(payload.scope).split(' ').includes(SELF_SERVICE)) {
      throw new AwsError('NotAuthorizedException', 'Access Token does not have required scopes');
    }
    return this.users.demand(String(payload.sub));
  }

  /** New tokens; where the client rotates, a refresh token too, which ends when the first one would have. */
  async refresh(client: Client, token: string): Promise<Tokens> {
    const session = this.#state.refresh[fingerprint(token)];
    if (!session || session.clientId !== client.id) {
      throw new AwsError('NotAuthorizedException', 'Invalid Refresh Token');
    }
    if (this.users.get(session.username)?.disabled) {
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

  /** The tokens of a sign-in that is complete, by all that {@link SignIn} takes. */
  async begin(client: Client, key: string, of: Pick<Refresh, 'scope'> & { authTime?: number } = {}): Promise<Tokens> {
    const token = newRefreshToken();
    const now = seconds();
    const session: Refresh = {
      username: key,
      clientId: client.id,
      originId: randomUUID(),
      authTime: now,
      ...of,
      expires: now + client.refreshTtl,
    };
    const { refresh } = this.#state;
    for (const [print, { expires }] of Object.entries(refresh)) if (expires < now) delete refresh[print];
    refresh[fingerprint(token)] = session;
    await this.#save();
    return { ...(await this.#issue(client, session)), RefreshToken: token };
  }

  /** After the password: a second factor, where there is one or has to be. */
  #next(key: string): SignIn {
    if (this.users.asksForCode(key)) return this.#challenge('SOFTWARE_TOKEN_MFA', key);
    return this.#settings.mfa === 'ON' ? this.#challenge('MFA_SETUP', key) : { key };
  }

  #challenge(challenge: ChallengeName, key: string): SignIn {
    const session = this.#challenges.begin({ name: challenge, key });
    return { challenge, session, userId: this.users.subject(key).username };
  }

  /** @throws AwsError where the session is over, or the token none of this pool */
  async keyOf(holder: Holder): Promise<string> {
    return 'session' in holder
      ? this.#challenges.find(holder.session, 'MFA_SETUP').key
      : await this.bearer(holder.accessToken);
  }

  async #takeCode(key: string, code: string, mismatch: AwsError): Promise<void> {
    const factor = this.users.get(key)?.factor;
    if (!factor) throw mismatch;
    await this.users.change(key, { factor: afterCode(factor, code, mismatch) });
  }

  #issue(client: Client, session: Refresh): Promise<Tokens> {
    return issueTokens(this.#signer, client, session, this.users.subject(session.username));
  }
}
