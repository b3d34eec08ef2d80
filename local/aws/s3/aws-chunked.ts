import { AwsError } from '../errors.ts';

/**
 * Decodes `aws-chunked` content: `<size in hex>[;extension]\r\n<bytes>\r\n` …, `0\r\n`, trailing headers, `\r\n`.
 * Source: Amazon S3 API Reference, "Transferring Payload in Multiple Chunks: trailing headers".
 * @param trailers receives the trailing headers, names in lower case
 */
export async function* decodeAwsChunked(
  source: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  let buffered: Buffer = Buffer.alloc(0);
  /** Bytes of the current chunk that are still to come; undefined between chunks. */
  let left: number | undefined;
  let inTrailers = false;

  for await (const piece of source) {
    buffered = buffered.length > 0 ? Buffer.concat([buffered, piece]) : piece;
    for (;;) {
      if (left !== undefined && left > 0) {
        if (buffered.length === 0) break;
        const taken = buffered.subarray(0, left);
        left -= taken.length;
        buffered = buffered.subarray(taken.length);
        yield taken;
        continue;
      }
      const end = buffered.indexOf('\r\n');
      if (end < 0) break;
      const line = buffered.toString('latin1', 0, end);
      buffered = buffered.subarray(end + 2);
      if (left === 0) {
        left = undefined; // the line break after a chunk's bytes
      } else if (inTrailers) {
        const at = line.indexOf(':');
        if (at > 0) trailers.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
      } else {
        const size = Number.parseInt(line, 16);
        if (!(size >= 0)) throw new AwsError('InvalidRequest', 'The aws-chunked body has a malformed chunk size.');
        if (size === 0) inTrailers = true;
        else left = size;
      }
    }
  }
  if (!inTrailers) throw new AwsError('IncompleteBody', 'The aws-chunked body ended before its last chunk.');
}
