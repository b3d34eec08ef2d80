import { keepOpen } from '../../client/service/keep-open.ts';
import { VirtualTime } from './virtual-time.ts';

/** Open for so long, so that the clients take their connections for good ones. */
const OPEN_MS = 5 * 60_000;
/** A call for a ticket, and an attempt to open a socket, are answered after so long. */
const ANSWER_MS = 50;
/** Clients that are not back by then never will be. */
const GIVEN_UP_MS = 60 * 60_000;

export interface Storm {
  readonly clients: number;
  /** New connections that the gateway takes in a second; it refuses the others. */
  readonly perSecond: number;
}

export interface Outcome {
  /** Milliseconds after the loss at which each client was connected again, in ascending order. */
  readonly back: readonly number[];
  /** Attempts to connect, each with a ticket. */
  readonly attempts: number;
  /** The most attempts in one second. */
  readonly peak: number;
}

/**
 * Clients that lose their connections at one instant and connect again as the client does, with its own waits, against a
 * gateway that takes so many new connections a second. In time that only passes here, and with the same numbers each time.
 */
export async function storm({ clients, perSecond }: Storm): Promise<Outcome> {
  const [time, end, random] = [new VirtualTime(), new AbortController(), numbers()];
  const takes = gateway(perSecond, time.now);
  const [back, attempts] = [[] as number[], new Map<number, number>()];
  const isOver = (): boolean => back.length === clients || time.now() > GIVEN_UP_MS;
  const begin = (): void => {
    let wasOpen = false;
    const connect = async (onOpen: () => void): Promise<string> => {
      if (!wasOpen) {
        wasOpen = true;
        onOpen();
        await time.sleep(OPEN_MS);
        return 'all connections are lost';
      }
      const second = Math.floor((time.now() - OPEN_MS) / 1000);
      attempts.set(second, (attempts.get(second) ?? 0) + 1);
      await time.sleep(2 * ANSWER_MS);
      if (!takes()) throw new Error('the gateway takes no more connections in this second');
      onOpen();
      back.push(time.now() - OPEN_MS);
      return await new Promise<string>(() => undefined);
    };
    void keepOpen({ connect, onClosed: () => undefined, wait: time.sleep, now: time.now, random, signal: end.signal });
  };
  for (let client = 0; client < clients; client++) begin();
  await time.run(isOver);
  end.abort();
  const counts = [...attempts.values()];
  return { back, attempts: counts.reduce((sum, count) => sum + count, 0), peak: Math.max(...counts) };
}

/** What a second's worth of connections is left of, which fills as time passes: the quota of API Gateway has no burst beyond. */
function gateway(perSecond: number, now: () => number): () => boolean {
  let [left, at] = [perSecond, 0];
  return () => {
    left = Math.min(perSecond, left + ((now() - at) * perSecond) / 1000);
    at = now();
    if (left < 1) return false;
    left--;
    return true;
  };
}

/** Reproducible numbers of at least 0, and below 1 (xorshift32). */
function numbers(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
