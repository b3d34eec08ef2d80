import { messageOf } from '../../cli/reason.ts';
import { betweenSockets } from '../common/waits.ts';

/** A connection that lasted so long was none that something on the way, or another client of the device, takes away. */
const STABLE_MS = 60_000;

/** Why a connection ended that is followed by another at once. */
export const RENEWED = 'it is renewed before the gateway ends it';

export interface KeepOpenOptions {
  /** Opens a connection, says when it is open, and answers why it ended; or rejects with that. */
  readonly connect: (onOpen: () => void) => Promise<string>;
  readonly onClosed: (reason: string) => void;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly signal: AbortSignal;
  /** Milliseconds since any moment. @default - of this process */
  readonly now?: () => number;
  /** At least 0, and below 1. @default - another number each time */
  readonly random?: () => number;
}

/** Holds one connection after the other, with growing waits between those that did not last, until the signal fires. */
export async function keepOpen(options: KeepOpenOptions): Promise<void> {
  const { connect, onClosed, wait, signal, now = () => performance.now(), random = Math.random } = options;
  let failures = 0;
  while (!signal.aborted) {
    let openedAt = Number.POSITIVE_INFINITY;
    const onOpen = (): void => {
      openedAt = now();
    };
    const reason = await connect(onOpen).catch(messageOf);
    if (signal.aborted) return;
    if (now() - openedAt > STABLE_MS) failures = 0;
    if (reason === RENEWED) continue;
    onClosed(reason);
    await wait(betweenSockets(++failures, random));
  }
}
