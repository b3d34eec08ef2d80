import { setTimeout } from 'node:timers/promises';

/** What arrives: one of these, as often as its share says. */
export interface Kind {
  readonly name: string;
  readonly share: number;
  readonly call: () => Promise<void>;
}

/**
 * Makes calls at a rate, whether or not earlier ones have been answered: at moments that do not depend on each other, as
 * those of many users (a Poisson process). Answers the milliseconds from the moment at which each was due to its answer, by
 * kind.
 * @param rate calls a second
 */
export async function arrive(
  kinds: readonly Kind[],
  { rate, seconds }: { rate: number; seconds: number },
): Promise<Map<string, number[]>> {
  const taken = new Map<string, number[]>(kinds.map(({ name }) => [name, []]));
  const calls: Promise<void>[] = [];
  const begun = performance.now();
  for (let due = gap(rate); due < 1000 * seconds; due += gap(rate)) {
    await setTimeout(Math.max(0, begun + due - performance.now()));
    const kind = drawn(kinds);
    calls.push(kind.call().then(() => void taken.get(kind.name)!.push(performance.now() - begun - due)));
  }
  await Promise.all(calls);
  return taken;
}

/** Milliseconds to the next arrival. */
function gap(rate: number): number {
  return (-1000 * Math.log(1 - Math.random())) / rate;
}

function drawn(kinds: readonly Kind[]): Kind {
  let left = Math.random() * kinds.reduce((sum, { share }) => sum + share, 0);
  for (const kind of kinds) {
    left -= kind.share;
    if (left < 0) return kind;
  }
  return kinds.at(-1)!;
}
