import { sentBits } from '../../protocol/sent-bits.ts';
import type { SentSoFar } from '../../protocol/socket.ts';
import type { OfferedItem } from '../state/intent.ts';

/** How often it is looked whether there is something to tell. */
const LOOK_MS = 50;
/** A sending that is over by then is not worth a word, nor is any told of more often. */
const SHORTEST_MS = 250;
/** One that has gone on for long is told of this often, a younger one when it is a quarter older. */
const LONGEST_MS = 500;
/** Said again though nothing new was sent: a device may have begun to listen, and would give up. */
const REPEATED_MS = 30_000;

/**
 * Tells the user's other devices again and again which blocks of an upload are at the service, where it is of one file,
 * as all are that are large. What went as a delta is left to its version, with which it comes as one. Answers what ends
 * it.
 * @param sent by their hashes, the blocks that the service took, and the bytes that crossed the wire for each
 */
export function tellWhatIsSent(
  tell: (message: SentSoFar) => void,
  upload_id: string,
  items: readonly OfferedItem[],
  sent: ReadonlyMap<string, number>,
): () => void {
  const [item] = items;
  if (items.length !== 1 || !item) return () => undefined;
  const started = performance.now();
  let [known, told, toldAt] = [0, 0, started];
  const tellInTime = (): void => {
    const now = performance.now();
    if (now - toldAt >= Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (now - started) / 4))) tellIfMore();
  };
  const tellIfMore = (): void => {
    const isRepeated = told > 0 && performance.now() - toldAt > REPEATED_MS;
    if (sent.size === known && !isRepeated) return;
    known = sent.size;
    const whole = item.local.blocks.map(({ hash, size }) => isWhole(sent.get(hash), size));
    const count = whole.filter(Boolean).length;
    if (count === told && !isRepeated) return;
    [told, toldAt] = [count, performance.now()];
    tell({ type: 'sending', upload_id, path: item.path, sent: sentBits(whole) });
  };
  const timer = setInterval(tellInTime, LOOK_MS);
  return () => {
    clearInterval(timer);
    // The version follows in some time.
    if (told > 0) tellIfMore();
  };
}

/** Whether a block was sent, and not as a delta: all of it, or nothing but a proof. */
function isWhole(bytes: number | undefined, size: number): boolean {
  return bytes === 0 || bytes === size;
}
