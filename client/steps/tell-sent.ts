import { sentBits } from '../../protocol/sent-bits.ts';
import type { SentSoFar } from '../../protocol/socket.ts';
import type { OfferedItem } from '../state/intent.ts';

/** A sending that is over by then is not worth a word, nor is any told of more often. */
const INTERVAL_MS = 250;
/** Said again though nothing new was sent: a device may have begun to listen, and would give up. */
const REPEATED_MS = 30_000;

/** Tells how far a sending is. */
export interface Telling {
  /** Something more was sent. */
  noted(): void;
  stop(): void;
}

/**
 * Tells the user's other devices again and again which blocks of an upload are at the service, where it is of one file,
 * as all are that are large. What went as a delta is left to its version, with which it comes as one.
 * @param sent by their hashes, the blocks that the service took, and the bytes that crossed the wire for each
 */
export function tellWhatIsSent(
  tell: (message: SentSoFar) => void,
  upload_id: string,
  items: readonly OfferedItem[],
  sent: ReadonlyMap<string, number>,
): Telling {
  const [item] = items;
  if (items.length !== 1 || !item) return { noted: () => undefined, stop: () => undefined };
  let [told, toldAt, isDue] = [0, performance.now(), false];
  let timer: NodeJS.Timeout | undefined;
  const say = (least: number): void => {
    isDue = false;
    clearTimeout(timer);
    const whole = item.local.blocks.map(({ hash, size }) => isWhole(sent.get(hash), size));
    const count = whole.filter(Boolean).length;
    if (count >= least) {
      [told, toldAt] = [count, performance.now()];
      tell({ type: 'sending', upload_id, path: item.path, sent: sentBits(whole) });
    }
    if (told > 0) timer = setTimeout(say, REPEATED_MS, told);
  };
  return {
    noted() {
      if (isDue) return;
      isDue = true;
      clearTimeout(timer);
      timer = setTimeout(() => say(told + 1), Math.max(0, toldAt + INTERVAL_MS - performance.now()));
    },
    stop() {
      // The version follows in some time.
      if (told > 0) say(told + 1);
      clearTimeout(timer);
    },
  };
}

/** Whether a block was sent, and not as a delta: all of it, or nothing but a proof. */
function isWhole(bytes: number | undefined, size: number): boolean {
  return bytes === 0 || bytes === size;
}
