import type { Identities, Principal } from '../types.ts';
import { AwsError } from './errors.ts';
import { EMPTY_SHA256, readClaim, signedAt, verifySignature } from './sigv4.ts';

/** RDS and MSK accept a token for a quarter of an hour. */
const MAX_SECONDS = 900;

/**
 * Verifies a presigned URL that serves as a password: RDS' IAM token and MSK's OAUTHBEARER token.
 * @param parameters query parameters that have to stand in the URL
 * @returns who signed it, and until when it is valid in milliseconds since 1970
 * @throws AwsError where it is not such a token, is not signed by a known role or has expired
 */
export function verifyToken(
  token: string,
  service: string,
  parameters: Readonly<Record<string, string>>,
  identities: Identities,
): { principal: Principal; url: URL; expires: number } {
  const text = token.startsWith('https://') ? token : `https://${token}`;
  const refuse = (what: string): AwsError => new AwsError('AccessDenied', `The token ${what}`, 403);
  if (!URL.canParse(text)) throw refuse('is not a presigned URL.');
  const url = new URL(text);
  for (const [name, value] of Object.entries(parameters)) {
    if (url.searchParams.get(name) !== value)
      throw refuse(`is for ${name}=${url.searchParams.get(name)}, not ${value}.`);
  }
  // new URL() drops the default port and the raw encoding; the signature covers what was written.
  const [, host = '', target = '/'] = /^https:\/\/([^/?]+)(.*)$/s.exec(text) ?? [];
  // MSK's signer adds User-Agent after signing.
  const path = `${target.startsWith('/') ? '' : '/'}${target.replace(/&User-Agent=[^&]*/, '')}`;
  const request = { method: 'GET', target: path, headers: { host } };
  const claim = readClaim(request);
  if (claim?.expires === undefined || claim.service !== service) throw refuse(`is not signed for ${service}.`);
  if (claim.expires > MAX_SECONDS) throw refuse(`is valid for more than ${MAX_SECONDS} s.`);
  const principal = verifySignature(request, claim, EMPTY_SHA256, identities);
  return { principal, url, expires: signedAt(claim) + claim.expires * 1000 };
}
