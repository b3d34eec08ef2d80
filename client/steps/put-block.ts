import { reasonOf } from '../../cli/reason.ts';
import { sha256, toHex } from '../../codec/index.ts';
import { limits } from '../../protocol/limits.ts';
import { FileRefused } from '../common/errors.ts';
import { retried, retryAfter, TryAgain } from '../common/retry.ts';
import { DiskChanged } from '../disk/stamps.ts';
import { DeadConnection } from '../service/connections.ts';
import { notOurs, StoreUnreachable } from '../service/errors.ts';
import { type PutAnswer, putBytes } from '../service/put-bytes.ts';
import type { UpChannel } from './channels.ts';

/** A URL is not used any more this long before its end, ms. */
const EARLY_MS = 60_000;

/** Where to send a block. */
export interface PutTarget {
  /** SHA-256 in lower-case hex, which the URL's signature covers. */
  readonly hash: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** By `performance.now()`: until when the URL may be used. */
  readonly until: number;
}

/** Until when the URLs may be used that a call brought which began at `asked`, both by `performance.now()`. */
export function usableUntil(asked: number): number {
  return asked + 1000 * limits.urlSeconds - EARLY_MS;
}

/**
 * Sends one block to the store. False when the URL has ended, and another upload-init brings a new one.
 * @param bytes as they were read: the store refuses those that are not the block
 * @throws FileRefused `store_refused` for what the store, or what is before it, takes from nobody now
 * @throws DiskChanged when it refused the bytes because they are not the block
 */
export async function putBlock(
  { hash, url, headers, until }: PutTarget,
  bytes: Uint8Array,
  { window, rate, gate }: UpChannel,
  signal: AbortSignal,
): Promise<boolean> {
  // These two follow from the URL and the body.
  const own = Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(host|content-length)$/i.test(name)));
  const send = (): Promise<PutAnswer> =>
    putBytes(url, own, bytes, { rate, signal }).catch((error) => {
      signal.throwIfAborted();
      if (error instanceof DeadConnection) return send();
      throw new TryAgain(new StoreUnreachable(`the block store does not answer: ${reasonOf(error)}`));
    });
  const take = async (): Promise<boolean> => {
    const answer = await send();
    if (isOtherContent(answer) && toHex(await sha256(bytes)) !== hash) throw new DiskChanged('a block changed');
    return judge(answer);
  };
  const inTurn = async (): Promise<boolean> => {
    signal.throwIfAborted();
    return performance.now() < until && (await gate.pass(take));
  };
  return retried(() => window.run(inTurn, (isSent) => (isSent ? bytes.length : 0), bytes.length), signal);
}

/** What S3 says of bytes that have another SHA-256 than was signed; those that changed on the way have one, too. */
function isOtherContent({ status, text }: PutAnswer): boolean {
  return status === 400 && text.includes('<Code>BadDigest</Code>');
}

function judge({ status, etag, retryAfter: wait, text }: PutAnswer): boolean {
  if (status === 200 && etag !== undefined) return true;
  // Of a URL that is young by this clock, which a sleeping machine stops, and of the keys that it was signed with.
  if (status === 403 && /expired/i.test(text)) return false;
  const isOutage = status < 400 || status === 408 || status === 429 || status >= 500 || text.includes('RequestTimeout');
  if (!isOutage) throw new FileRefused('store_refused', `the block store refused the upload (${status})`);
  const after = retryAfter(wait);
  const words =
    status < 400 ? notOurs('the block store', { status, text }).message : `the block store answered ${status}`;
  throw new TryAgain(new StoreUnreachable(words, { after }), after);
}
