import type { SentSoFar } from '../../protocol/socket.ts';
import { sentBits } from '../common/sent-bits.ts';
import type { OfferedItem } from '../state/intent.ts';

/** A sending that is over by then is not worth a word. */
const INTERVAL_MS = 1_000;
/** Said again though nothing new was sent: a device may have begun to listen, and would give up. */
const REPEATED_MS = 30_000;

/**
 * Tells the user's other devices again and again which blocks of an upload are at the service, where it is of one file,
 * as all are that are large. Answers what ends it.
 * @param sent by their hashes, the blocks that the service took
 */
export function tellWhatIsSent(
  tell: (message: SentSoFar) => void,
  upload_id: string,
  items: readonly OfferedItem[],
  sent: ReadonlyMap<string, unknown>,
): () => void {
  const [item] = items;
  if (items.length !== 1 || !item) return () => undefined;
  let [told, toldAt] = [0, Number.NEGATIVE_INFINITY];
  const tellNow = (): void => {
    [told, toldAt] = [sent.size, performance.now()];
    const bits = sentBits(item.local.blocks.map(({ hash }) => sent.has(hash)));
    tell({ type: 'sending', upload_id, path: item.path, sent: bits });
  };
  const timer = setInterval(() => {
    if (sent.size > told || (told > 0 && performance.now() - toldAt > REPEATED_MS)) tellNow();
  }, INTERVAL_MS);
  return () => {
    clearInterval(timer);
    // The version follows in some time.
    if (told > 0 && sent.size > told) tellNow();
  };
}
