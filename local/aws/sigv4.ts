import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Identities, type Principal, REGION } from '../types.ts';
import { AwsError } from './errors.ts';

// AWS Signature Version 4, the verifying side. Source: AWS IAM User Guide, "Create a signed AWS API request", and the
// Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".

const ALGORITHM = 'AWS4-HMAC-SHA256';
const SKEW_MS = 15 * 60_000;
const WEEK_S = 604_800;
export const EMPTY_SHA256 = createHash('sha256').digest('hex');

export interface SignedRequest {
  readonly method: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Claim {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** Of the signature, as in `x-amz-date`. */
  readonly timestamp: string;
  readonly sessionToken: string | undefined;
  /** Seconds; undefined where the signature stands in the Authorization header. */
  readonly expires: number | undefined;
}

/** RFC 3986 encoding, as SigV4 wants it. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.");
  }
}

function pairs(target: string): [string, string][] {
  const query = target.split('?').slice(1).join('?');
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [decode(part), ''] : [decode(part.slice(0, at)), decode(part.slice(at + 1))];
    });
}

function header(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

function scope(credential: string): Pick<Claim, 'accessKeyId' | 'date' | 'region' | 'service'> {
  const [accessKeyId, date, region, service, terminator] = credential.split('/');
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request') {
    throw new AwsError(
      'AuthorizationHeaderMalformed',
      'The credential must be <key>/<date>/<region>/<service>/aws4_request.',
    );
  }
  return { accessKeyId, date, region, service };
}

/** Reads who claims to have signed; undefined for a request without a signature. Verifies nothing. */
export function readClaim(request: SignedRequest): Claim | undefined {
  const query = new Map(pairs(request.target));
  if (query.get('X-Amz-Algorithm') === ALGORITHM) {
    return {
      ...scope(query.get('X-Amz-Credential') ?? ''),
      signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
      signature: query.get('X-Amz-Signature') ?? '',
      timestamp: query.get('X-Amz-Date') ?? '',
      sessionToken: query.get('X-Amz-Security-Token'),
      expires: Number(query.get('X-Amz-Expires') ?? Number.NaN),
    };
  }
  const authorization = header(request, 'authorization');
  if (!authorization?.startsWith(`${ALGORITHM} `)) return undefined;
  const part = (name: string): string => new RegExp(`${name}=([^,\\s]+)`).exec(authorization)?.[1] ?? '';
  return {
    ...scope(part('Credential')),
    signedHeaders: part('SignedHeaders').split(';'),
    signature: part('Signature'),
    timestamp: header(request, 'x-amz-date') ?? '',
    sessionToken: header(request, 'x-amz-security-token'),
    expires: undefined,
  };
}

/** S3 signs the path as sent; every other service signs it encoded once more. */
function canonicalPath(target: string, service: string): string {
  const path = target.split('?')[0] ?? '/';
  const segments = path.split('/');
  return segments.map((segment) => encode(service === 's3' ? decode(segment) : segment)).join('/');
}

function canonicalQuery(target: string): string {
  return pairs(target)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function signature(request: SignedRequest, claim: Claim, payloadHash: string, secret: string): string {
  const headers = claim.signedHeaders.map((name) => {
    const value = header(request, name) ?? '';
    return `${name}:${value.trim().replace(/\s+/g, ' ')}\n`;
  });
  const canonical = [
    request.method,
    canonicalPath(request.target, claim.service),
    canonicalQuery(request.target),
    headers.join(''),
    claim.signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
  const credentialScope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  const steps = [claim.date, claim.region, claim.service, 'aws4_request'];
  const key = steps.reduce<string | Buffer>(
    (k, step) => createHmac('sha256', k).update(step).digest(),
    `AWS4${secret}`,
  );
  return createHmac('sha256', key).update([ALGORITHM, claim.timestamp, credentialScope, hash].join('\n')).digest('hex');
}

/** When a request was signed, in milliseconds since 1970. */
export function signedAt(claim: Claim): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.timestamp);
  const [, year, month, day, hour, minute, second] = (match ?? []).map(Number);
  const time = Date.UTC(year ?? Number.NaN, (month ?? 0) - 1, day, hour, minute, second);
  if (!Number.isNaN(time) && claim.timestamp.startsWith(claim.date)) return time;
  throw new AwsError('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header', 403);
}

function checkTime(claim: Claim, now: number): void {
  const signed = signedAt(claim);
  const server = { ServerTime: new Date(now).toISOString() };
  if (claim.expires === undefined) {
    if (Math.abs(now - signed) <= SKEW_MS) return;
    const message = 'The difference between the request time and the current time is too large.';
    throw new AwsError('RequestTimeTooSkewed', message, 403, server);
  }
  if (!(claim.expires > 0 && claim.expires <= WEEK_S)) {
    const message = 'X-Amz-Expires must be a number of seconds between 1 and 604800';
    throw new AwsError('AuthorizationQueryParametersError', message);
  }
  if (signed - now > SKEW_MS) throw new AwsError('AccessDenied', 'Request is not valid yet', 403, server);
  const end = signed + claim.expires * 1000;
  if (now > end) {
    const details = { 'X-Amz-Expires': String(claim.expires), Expires: new Date(end).toISOString(), ...server };
    throw new AwsError('AccessDenied', 'Request has expired', 403, details);
  }
}

/**
 * Returns whose signature a request carries.
 * @param payloadHash lower-case hex SHA-256 of the body, or the literal that the service signs instead
 * @param now milliseconds since 1970
 * @throws AwsError with S3's codes: InvalidAccessKeyId, InvalidToken, SignatureDoesNotMatch, RequestTimeTooSkewed,
 *   AccessDenied ("Request has expired"), AuthorizationHeaderMalformed
 */
export function verifySignature(
  request: SignedRequest,
  claim: Claim,
  payloadHash: string,
  identities: Identities,
  now = Date.now(),
): Principal {
  const principal = identities.find(claim.accessKeyId);
  if (!principal) {
    const message = 'The AWS Access Key Id you provided does not exist in our records.';
    throw new AwsError('InvalidAccessKeyId', message, 403, { AWSAccessKeyId: claim.accessKeyId });
  }
  if (claim.region !== REGION) {
    const message = `The authorization header is malformed; the region '${claim.region}' is wrong; expecting '${REGION}'`;
    throw new AwsError('AuthorizationHeaderMalformed', message, 400, { Region: REGION });
  }
  if (claim.sessionToken !== principal.sessionToken) {
    throw new AwsError('InvalidToken', 'The provided token is malformed or otherwise invalid.');
  }
  const expected = Buffer.from(signature(request, claim, payloadHash, principal.secretAccessKey));
  const given = Buffer.from(claim.signature);
  const same = expected.length === given.length && timingSafeEqual(expected, given);
  if (!same || !claim.signedHeaders.includes('host')) {
    const message =
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.';
    throw new AwsError('SignatureDoesNotMatch', message, 403);
  }
  checkTime(claim, now);
  return principal;
}
