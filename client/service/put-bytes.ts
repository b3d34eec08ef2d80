import { request as httpsRequest } from 'node:https';
import { IdleLimit } from './idle-limit.ts';
import type { SendRate } from './send-rate.ts';

/** Bytes that are handed to the system at a time. */
const PART_BYTES = 64 * 1024;

/** What came back. */
export interface PutAnswer {
  readonly status: number;
  /** S3 names what it stored; what answers in its place does not. */
  readonly etag: string | undefined;
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined;
  /** The beginning of the body. */
  readonly text: string;
}

/** Characters of an answer's body that are kept. */
const MOST_TEXT = 1000;

/**
 * PUTs bytes. Rejects when nothing moves any more, or when the signal fires, and with whatever the connection ends.
 * @param rate how fast requests get out; learns from this one
 */
export function putBytes(
  url: string,
  headers: Readonly<Record<string, string>>,
  bytes: Uint8Array,
  { rate, signal }: { readonly rate: SendRate; readonly signal: AbortSignal },
): Promise<PutAnswer> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const limit = new IdleLimit((error) => {
      rate.stalled();
      request.destroy(error);
    });
    const options = { method: 'PUT', headers: { ...headers, 'content-length': bytes.length }, signal };
    const request = httpsRequest(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        limit.moved();
        text = (text + part).slice(0, MOST_TEXT);
      });
      response.on('error', fail);
      response.on('end', () => {
        limit.end();
        const { etag, 'retry-after': retryAfter } = response.headers;
        const status = response.statusCode ?? 0;
        if (status === 200) rate.finished(bytes.length, performance.now() - started);
        // What is refused is not sent to its end.
        if (!request.writableEnded) request.destroy();
        resolve({ status, etag, retryAfter, text });
      });
    });
    request.on('error', fail);
    send(0);

    function send(done: number): void {
      if (request.destroyed) return;
      limit.moved(rate.allowance(done));
      if (done === bytes.length) request.end();
      else
        request.write(bytes.subarray(done, done + PART_BYTES), () => send(Math.min(bytes.length, done + PART_BYTES)));
    }
    function fail(error: Error): void {
      limit.end();
      reject(error);
    }
  });
}
