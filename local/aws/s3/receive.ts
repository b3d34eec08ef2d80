import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';
import { AwsError } from '../errors.ts';
import { decodeAwsChunked } from './aws-chunked.ts';
import { inBatches } from './batches.ts';
import type { Checksum } from './journal.ts';

/** S3's limit of a single PUT. */
const MAX_PUT = 5 * 1024 ** 3;
const TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
const SIGNED_CHUNKS = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';

export interface Received {
  /** Bytes. */
  readonly size: number;
  /** Opaque, as S3's is but for content that it encrypts with no key of KMS. */
  readonly etag: string;
  readonly checksum: Checksum | undefined;
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** The length of the content, which S3 wants to know before the first byte. */
function declaredSize(request: IncomingMessage, chunked: boolean): number {
  const length = text(request.headers[chunked ? 'x-amz-decoded-content-length' : 'content-length']);
  if (length === undefined || !/^\d+$/.test(length)) {
    throw new AwsError('MissingContentLength', 'You must provide the Content-Length HTTP header.', 411);
  }
  if (Number(length) > MAX_PUT) {
    const details = { ProposedSize: length, MaxSizeAllowed: String(MAX_PUT) };
    throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400, details);
  }
  return Number(length);
}

function declaredChecksum(headers: ReadonlyMap<string, string | undefined>): Checksum | undefined {
  for (const name of headers.keys()) {
    const algorithm = /^x-amz-checksum-(.+)$/.exec(name)?.[1];
    if (!algorithm || algorithm === 'algorithm' || algorithm === 'mode' || algorithm === 'type') continue;
    if (algorithm !== 'sha256' && algorithm !== 'crc32') {
      throw new AwsError('NotImplemented', `The local S3 knows sha256 and crc32, not ${algorithm}.`, 501);
    }
    const value = headers.get(name) ?? '';
    const bytes = Buffer.from(value, 'base64');
    if (bytes.length !== (algorithm === 'sha256' ? 32 : 4) || bytes.toString('base64') !== value) {
      throw new AwsError('InvalidRequest', `Value for ${name} header is invalid.`);
    }
    return { algorithm, value };
  }
  return undefined;
}

/**
 * Streams a PUT's body into a file, fsyncs it and verifies every digest that the request declares: its signed
 * x-amz-content-sha256, its x-amz-checksum-* header or trailer, its Content-MD5. Leaves no file behind on failure.
 * @param contentSha256 the x-amz-content-sha256 that was signed
 */
export async function receive(request: IncomingMessage, contentSha256: string, file: string): Promise<Received> {
  if (contentSha256.startsWith(SIGNED_CHUNKS)) {
    throw new AwsError('NotImplemented', 'The local S3 takes unsigned aws-chunked bodies only.', 501);
  }
  const chunked = contentSha256 === TRAILER;
  const expected = declaredSize(request, chunked);
  const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name, text(value)]));
  const before = declaredChecksum(headers);

  const trailers = new Map<string, string>();
  const contentMd5 = text(request.headers['content-md5']);
  const sha256 = createHash('sha256');
  const md5 = contentMd5 === undefined ? undefined : createHash('md5');
  const hasCrc = before ? before.algorithm === 'crc32' : chunked;
  let [crc, size] = [0, 0];
  const output = await open(file, 'wx', 0o600);
  try {
    await inBatches(chunked ? decodeAwsChunked(request, trailers) : request, async (batch) => {
      sha256.update(batch);
      md5?.update(batch);
      if (hasCrc) crc = crc32(batch, crc);
      size += batch.length;
      await output.appendFile(batch); // write() may stop short
    });
    await output.sync();
    if (size !== expected) {
      const message = 'You did not provide the number of bytes specified by the Content-Length HTTP header';
      throw new AwsError('IncompleteBody', message);
    }
    const sha256Bytes = sha256.digest();
    if (/^[0-9a-f]{64}$/.test(contentSha256) && contentSha256 !== sha256Bytes.toString('hex')) {
      const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
      throw new AwsError('XAmzContentSHA256Mismatch', message);
    }
    if (md5 && contentMd5 !== md5.digest('base64')) {
      throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
    const checksum = before ?? declaredChecksum(trailers);
    if (checksum) {
      const crcBytes = Buffer.alloc(4);
      crcBytes.writeUInt32BE(crc);
      const actual = (checksum.algorithm === 'sha256' ? sha256Bytes : crcBytes).toString('base64');
      if (actual !== checksum.value) {
        const name = checksum.algorithm.toUpperCase();
        throw new AwsError('BadDigest', `The ${name} you specified did not match the calculated checksum.`);
      }
    }
    return { size, etag: `"${sha256Bytes.toString('hex', 0, 16)}"`, checksum };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await output.close();
  }
}
