import { type KeyObject, verify } from 'node:crypto';
import { matches } from '../../iam/policy.ts';
import { AwsError } from '../errors.ts';

// CloudFront signed URLs. Source: Amazon CloudFront Developer Guide, "Use signed URLs" (canned and custom policy).
// RSA and ECDSA P-256 keys sign SHA-1 unless the URL says Hash-Algorithm=SHA256.

const PARAMETERS = new Set(['Expires', 'Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm']);

interface Policy {
  readonly Statement: readonly {
    readonly Resource?: string;
    readonly Condition: {
      readonly DateLessThan: { readonly 'AWS:EpochTime': number };
      readonly DateGreaterThan?: { readonly 'AWS:EpochTime': number };
      readonly IpAddress?: { readonly 'AWS:SourceIp': string };
    };
  }[];
}

const denied = (): AwsError => new AwsError('AccessDenied', 'Access denied', 403);

/** Base64 with the characters that CloudFront replaces so that it needs no escaping in a query. */
function fromUrlBase64(text: string): Buffer {
  return Buffer.from(text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64');
}

/** Splits a URL into the part that its viewer means and CloudFront's own parameters. */
export function splitSignedUrl(url: string): { base: string; parameters: ReadonlyMap<string, string> } {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const parameters = new Map<string, string>();
  const kept = query.split('&').filter((part) => {
    const [name = '', value = ''] = part.split(/=(.*)/s);
    if (PARAMETERS.has(name)) parameters.set(name, decodeURIComponent(value));
    return part !== '' && !PARAMETERS.has(name);
  });
  return { base: kept.length > 0 ? `${path}?${kept.join('&')}` : path, parameters };
}

function covers(resource: string | undefined, base: string): boolean {
  return resource === undefined || resource === base || matches(base, resource);
}

function checkCustom(text: string, base: string, now: number): void {
  const [statement] = (JSON.parse(text) as Policy).Statement;
  const { DateLessThan, DateGreaterThan, IpAddress } = statement?.Condition ?? {};
  if (!statement || !DateLessThan || !covers(statement.Resource, base)) throw denied();
  if (DateLessThan['AWS:EpochTime'] <= now) throw denied();
  if (DateGreaterThan && DateGreaterThan['AWS:EpochTime'] > now) throw denied();
  // Every local viewer comes from the loopback address; a policy for another one cannot match.
  if (IpAddress && !/^(0\.0\.0\.0\/0|127\.)/.test(IpAddress['AWS:SourceIp'])) throw denied();
}

/**
 * Refuses a URL that no trusted key has signed, or whose time is over.
 * @param url absolute, as the viewer sent it
 * @param keys public keys of the behaviour's key groups, by public key id
 * @param now seconds since 1970
 * @throws AwsError 403 with CloudFront's codes MissingKey, InvalidKey and AccessDenied
 */
export function verifySignedUrl(url: string, keys: ReadonlyMap<string, KeyObject>, now = Date.now() / 1000): void {
  const { base, parameters } = splitSignedUrl(url);
  const keyId = parameters.get('Key-Pair-Id');
  if (keyId === undefined) {
    throw new AwsError('MissingKey', 'Missing Key-Pair-Id query parameter or cookie value', 403);
  }
  const key = keys.get(keyId);
  if (!key) throw new AwsError('InvalidKey', 'Unknown Key', 403);
  const [expires, encoded] = [parameters.get('Expires'), parameters.get('Policy')];
  if (expires === undefined && encoded === undefined) throw denied();
  const policy =
    encoded === undefined
      ? `{"Statement":[{"Resource":"${base}","Condition":{"DateLessThan":{"AWS:EpochTime":${expires}}}}]}`
      : fromUrlBase64(encoded).toString();
  const hash = parameters.get('Hash-Algorithm') === 'SHA256' ? 'sha256' : 'sha1';
  const signature = fromUrlBase64(parameters.get('Signature') ?? '');
  if (!verify(hash, Buffer.from(policy), key, signature)) throw denied();
  if (encoded !== undefined) checkCustom(policy, base, now);
  else if (!(Number(expires) > now)) throw denied();
}
