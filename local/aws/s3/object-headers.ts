import type { IncomingHttpHeaders } from 'node:http';
import { AwsError } from '../errors.ts';
import type { ObjectVersion } from './journal.ts';

/**
 * Headers of an upload that S3 keeps beside the bytes and sends out with them, whoever reads, and whether the signature
 * covered them or not. Source: Amazon S3 User Guide, "Working with object metadata", system-defined and user-controlled.
 */
const SYSTEM = ['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires'];

/** Bytes of names and values together. Source: the same page, user-defined metadata. */
const MAX_METADATA = 2048;

/** Every bucket encrypts with keys of S3, and says so. */
export const ENCRYPTION = { 'x-amz-server-side-encryption': 'AES256' };

/** What an upload's headers leave with the object. */
export function keptHeaders(
  headers: IncomingHttpHeaders,
): Required<Pick<ObjectVersion, 'contentType' | 'system' | 'metadata'>> {
  const given = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
  const system = given.filter(([name]) => SYSTEM.includes(name)).map(([name, value]) => [name, withoutFraming(value)]);
  const metadata = given.filter(([name]) => name.startsWith('x-amz-meta-'));
  const bytes = metadata.reduce((sum, [name, value]) => sum + name.length - 'x-amz-meta-'.length + value.length, 0);
  if (bytes > MAX_METADATA) {
    const details = { Size: String(bytes), MaxSizeAllowed: String(MAX_METADATA) };
    throw new AwsError('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed size', 400, details);
  }
  return {
    contentType: headers['content-type'] ?? 'binary/octet-stream',
    system: Object.fromEntries(system.filter(([, value]) => value !== '')),
    metadata: Object.fromEntries(metadata),
  };
}

/** `aws-chunked` says how the request was framed, and is no encoding of the object. */
function withoutFraming(value: string): string {
  return value.replace(/(^|,\s*)aws-chunked(?=,|$)/g, '').replace(/^,\s*/, '');
}

/** The headers with which an object goes out, but for those of the request: length, range, version, checksum. */
export function headersOf({ etag, contentType, time, system, metadata }: ObjectVersion): Record<string, string> {
  return {
    etag,
    'content-type': contentType,
    'last-modified': new Date(time).toUTCString(),
    'accept-ranges': 'bytes',
    server: 'AmazonS3',
    ...ENCRYPTION,
    ...system,
    ...metadata,
  };
}
