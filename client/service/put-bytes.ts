import { connections, DeadConnection } from './connections.ts';
import { IdleLimit } from './idle-limit.ts';
import type { SendRate } from './send-rate.ts';

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
 * PUTs bytes. What is refused is not sent to its end. Rejects with whatever the connection ends, or the signal, and when
 * nothing moves any more: with `DeadConnection` if that is because of the network.
 * @param rate how fast requests get out; learns from this one
 */
export async function putBytes(
  url: string,
  headers: Readonly<Record<string, string>>,
  bytes: Uint8Array,
  { rate, signal }: { readonly rate: SendRate; readonly signal: AbortSignal },
): Promise<PutAnswer> {
  const started = performance.now();
  const limit = new IdleLimit(connections.dead);
  try {
    const { status, header, body } = await connections.request(url, {
      method: 'PUT',
      headers,
      body: bytes,
      signal: AbortSignal.any([signal, limit.signal]),
      onSent: (sent) => limit.moved(rate.allowance(sent)),
      onHeld: (milliseconds) => limit.hold(milliseconds),
    });
    let text = '';
    for await (const part of body) {
      limit.moved();
      text = (text + part.toString()).slice(0, MOST_TEXT);
    }
    if (status === 200) rate.finished(bytes.length, performance.now() - started);
    return { status, etag: header('etag'), retryAfter: header('retry-after'), text };
  } catch (error) {
    if (error === limit.signal.reason && !(error instanceof DeadConnection)) rate.stalled();
    throw error;
  } finally {
    limit.end();
  }
}
