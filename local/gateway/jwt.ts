import { request } from 'node:https';
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LocalError } from '../errors.ts';
import { isObject } from '../json.ts';
import type { JwtAuthorizer } from './model.ts';

/** A token's claims as API Gateway hands them to a function: texts, lists as `[a b]`. */
export type Claims = Readonly<Record<string, string>>;

/** A token that is refused: 401 with a WWW-Authenticate header, or 403 for a missing scope. */
export class TokenRefused extends Error {
  readonly status: 401 | 403;
  readonly challenge: string;

  constructor(status: 401 | 403, code: string | undefined, description: string) {
    super(description);
    this.name = 'TokenRefused';
    this.status = status;
    this.challenge = code ? `Bearer scope="" error="${code}" error_description="${description}"` : 'Bearer';
  }
}

/** API Gateway gives an issuer 1.5 s to answer. */
const ISSUER_TIMEOUT_MS = 1500;

function fetchWith(ca: string): (url: string) => Promise<Response> {
  return (url) =>
    new Promise((resolve, reject) => {
      const outgoing = request(url, { ca, timeout: ISSUER_TIMEOUT_MS }, async (incoming) => {
        const chunks = await incoming.toArray().catch(reject);
        resolve(
          new Response(Buffer.concat((chunks as Buffer[] | undefined) ?? []), { status: incoming.statusCode ?? 500 }),
        );
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${url} did not answer in ${ISSUER_TIMEOUT_MS} ms`)));
      outgoing.on('error', reject);
      outgoing.end();
    });
}

export interface JwtVerifier {
  /** Returns the claims, or throws TokenRefused. */
  verify(token: string | undefined, scopes: readonly string[]): Promise<{ claims: Claims; scopes: string[] | null }>;
}

/** Verifies tokens against the issuer's published keys, trusting `ca` (PEM) for the way there. */
export function createVerifier({ issuer, audience }: JwtAuthorizer, ca: string): JwtVerifier {
  const fetchJson = fetchWith(ca);
  let keys: Promise<JWTVerifyGetKey> | undefined;
  const discover = async (): Promise<JWTVerifyGetKey> => {
    const document: unknown = await (await fetchJson(`${issuer}/.well-known/openid-configuration`)).json();
    if (!isObject(document)) throw new LocalError('Issuer', `${issuer} has no OpenID configuration`);
    return createRemoteJWKSet(new URL(String(document.jwks_uri)), { [customFetch]: fetchJson });
  };
  const loadKeys = (): Promise<JWTVerifyGetKey> => {
    keys ??= discover().catch((error: unknown) => {
      keys = undefined;
      throw error;
    });
    return keys;
  };
  return {
    async verify(token, scopes) {
      if (!token) throw new TokenRefused(401, undefined, 'no token');
      const payload = await verifySignature(token, await loadKeys(), issuer);
      // client_id stands in where a token names no audience, as in Cognito's access tokens.
      const audiences = [payload.aud ?? payload.client_id].flat().map(String);
      if (!audiences.some((name) => audience.includes(name))) {
        throw new TokenRefused(401, 'invalid_token', 'the token does not have a valid audience');
      }
      const held = String(payload.scope ?? payload.scp ?? '')
        .split(' ')
        .filter(Boolean);
      if (scopes.length > 0 && !scopes.some((scope) => held.includes(scope))) {
        throw new TokenRefused(403, 'insufficient_scope', 'the token does not have sufficient scopes');
      }
      const claims = Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, asText(value)]));
      return { claims, scopes: scopes.length > 0 ? held.filter((scope) => scopes.includes(scope)) : null };
    },
  };
}

async function verifySignature(token: string, keys: JWTVerifyGetKey, issuer: string): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, algorithms: ['RS256', 'RS384', 'RS512'] });
    if (payload.exp === undefined) throw new TokenRefused(401, 'invalid_token', 'the token has no expiry');
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new TokenRefused(401, 'invalid_token', 'the token has expired');
    if (error instanceof errors.JOSEError) throw new TokenRefused(401, 'invalid_token', error.message);
    throw error;
  }
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asText).join(' ')}]`;
  return isObject(value) ? JSON.stringify(value) : String(value);
}
