import { reasonOf } from '../../cli/reason.ts';
import { FileRefused } from '../common/errors.ts';
import { retryAfter, TryAgain } from '../common/retry.ts';
import { DeadConnection } from '../service/connections.ts';
import { StoreUnreachable } from '../service/errors.ts';
import { type Arrived, type FetchAnswer, fetchRest, type Range } from '../service/fetch-bytes.ts';

/** A block's content, wherever it came from. */
export interface FetchedBlock {
  readonly bytes: Uint8Array;
  /** Bytes that came over the wire for it. */
  readonly received: number;
  /** Whether an edit of it goes whole, so that it is not kept. */
  readonly isSmall?: boolean;
}

/** An answer that breaks off after so many bytes got on: the next one is no repetition. */
const PROGRESS_BYTES = 64 * 1024;

/** What is said of a block whose bytes are others, however often they come. */
export function arrivedDamaged(): FileRefused {
  return new FileRefused('content_mismatch', 'its content arrives damaged');
}

const LOST = 'the service has lost part of its content; it follows once a device that has it has sent it again';

/**
 * Throws `TryAgain` with what an answer of the CDN without content means: status 403 is that of a URL whose time is over,
 * or of a block that the store has lost.
 */
export function demandContent({ status, retryAfter: wait }: FetchAnswer): void {
  if (status === 200) return;
  if (status === 403) throw new TryAgain(new FileRefused('unavailable', LOST));
  const after = retryAfter(wait);
  throw new TryAgain(new StoreUnreachable(`the download service answered ${status}`, { after }), after);
}

/** Asks the CDN for what `arrived` lacks; goes on after an answer that broke off, as long as each brings something. */
export async function getOn(url: string, arrived: Arrived, signal: AbortSignal, part?: Range): Promise<FetchAnswer> {
  for (;;) {
    signal.throwIfAborted();
    const start = arrived.size;
    try {
      return await fetchRest(url, arrived, signal, part);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DeadConnection || arrived.size - start >= PROGRESS_BYTES) continue;
      throw new TryAgain(new StoreUnreachable(`the download service does not answer: ${reasonOf(error)}`));
    }
  }
}
