import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';

export interface Client {
  readonly id: string;
  readonly flows: readonly string[];
  readonly hidesUsers: boolean;
  /** Seconds. */
  readonly accessTtl: number;
  readonly refreshTtl: number;
  /** Seconds for which a refresh token that was used goes on working. @default - tokens are not rotated */
  readonly rotation?: number;
  /** What it may do on the pages. @default - nothing */
  readonly pages?: PagesClient;
}

/** A client of the sign-in pages. */
export interface PagesClient {
  /** To the letter. */
  readonly callbackUrls: readonly string[];
  readonly scopes: readonly string[];
  /** Names of those who may sign its users in; Cognito's own is `COGNITO`. */
  readonly providers: readonly string[];
  /** Attributes that a sign-in through it may write. */
  readonly writable: readonly string[];
}

/** A sign-in that a refresh token continues. */
export interface Refresh {
  readonly username: string;
  readonly clientId: string;
  readonly originId: string;
  /** Seconds since 1970. */
  readonly authTime: number;
  readonly expires: number;
  /** What its access tokens are for, by spaces. @default {@link SELF_SERVICE} */
  readonly scope?: string;
}

/** Lets its bearer call what Cognito has for users themselves. Every sign-in by password has it. */
export const SELF_SERVICE = 'aws.cognito.signin.user.admin';

export interface Tokens {
  readonly AccessToken: string;
  readonly IdToken: string;
  readonly ExpiresIn: number;
  readonly TokenType: 'Bearer';
  readonly RefreshToken?: string;
}

/** By what a pool signs its tokens. */
export interface Signer {
  readonly key: CryptoKey;
  readonly kid: string;
  readonly issuer: string;
}

/** A user as tokens name him. */
export interface Subject {
  readonly id: string;
  /** Cognito's own id again where the address is what he signs in with. */
  readonly username: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export const seconds = (): number => Math.floor(Date.now() / 1000);
/** By what a pool keeps a refresh token. */
export const fingerprint = (token: string): string => createHash('sha256').update(token).digest('hex');
export const newRefreshToken = (): string => randomBytes(48).toString('base64url');

/** The claims of Cognito's own access and ID tokens. */
export async function issueTokens(signer: Signer, client: Client, session: Refresh, subject: Subject): Promise<Tokens> {
  const { authTime, originId, scope = SELF_SERVICE } = session;
  const { username, attributes } = subject;
  const common = { origin_jti: originId, auth_time: authTime };
  const access = { ...common, token_use: 'access', client_id: client.id, username };
  const { identities, ...own } = attributes;
  const external = identities === undefined ? {} : { identities: JSON.parse(identities) };
  const identity = { ...common, ...own, ...external, token_use: 'id', aud: client.id, 'cognito:username': username };
  const now = seconds();
  const sign = (claims: Record<string, unknown>): Promise<string> =>
    new SignJWT({ ...claims, jti: randomUUID(), event_id: randomUUID() })
      .setProtectedHeader({ alg: 'RS256', kid: signer.kid })
      .setIssuer(signer.issuer)
      .setSubject(subject.id)
      .setIssuedAt(now)
      .setExpirationTime(now + client.accessTtl)
      .sign(signer.key);
  const [AccessToken, IdToken] = await Promise.all([sign({ ...access, scope }), sign(identity)]);
  return { AccessToken, IdToken, ExpiresIn: client.accessTtl, TokenType: 'Bearer' };
}
