import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { median } from '../statistics.ts';
import { type Counters, used } from './counters.ts';
import { changedFiles, type Snapshot, snapshot, untilHeld } from './folders.ts';
import type { Place, Step } from './rows/chapter.ts';
import type { Session } from './tools/tool.ts';

/** What one step took. */
export interface Figures {
  readonly seconds: number;
  /** Of a change that was made several times. */
  readonly worst: number;
  /** All that was used until nothing moved any more; of one change where it was made several times. */
  readonly used: Counters;
  /** The most memory of each device, in bytes. */
  readonly memory: Counters;
}

/** Before each change: no tool takes it for one with what came before, nor the times of both for equal. */
const APART_MS = 1500;
const QUIET_MS = 1000;
const LOOK_MS = 250;
/** What keeps moving for its own sake does not hold up the next step. */
const PATIENCE_MS = 15_000;
/** Longer than any tool has ever taken for a step. */
const LIMIT_MS = 30 * 60_000;
/** For a look at what a tool says that it has done. */
const LOOK_LIMIT_MS = 10_000;

/** Makes a change and waits for it, and then until the tool is quiet. */
export async function measure(step: Step, session: Session, place: Place, signal: AbortSignal): Promise<Figures> {
  await step.prepare?.(place);
  // What was prepared is on the disk before the tool needs it.
  await promisify(execFile)('sync');
  session.memory();
  const before = await session.counters();
  const times = step.times?.(place.sizes) ?? 1;
  const seconds: number[] = [];
  for (let time = 0; time < times; time++) {
    await sleep(APART_MS, undefined, { signal });
    seconds.push(await secondsUntilHeld(step, session, place, signal));
  }
  const counted = used(before, await whenQuiet(session, signal));
  return {
    seconds: median(seconds),
    worst: Math.max(...seconds),
    used: Object.fromEntries(Object.entries(counted).map(([name, value]) => [name, value / times])),
    memory: session.memory(),
  };
}

async function secondsUntilHeld(step: Step, session: Session, place: Place, signal: AbortSignal): Promise<number> {
  const [original, folder] = session.folders;
  const [source, before] = [snapshot(original), snapshot(folder)];
  const begun = performance.now();
  await step.change(place);
  const expected: Snapshot = snapshot(original);
  const state = { expected, before, changed: changedFiles(source, expected) };
  const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  if (!session.sync) return ((await untilHeld(folder, original, state, limited)) - begun) / 1000;
  const told = performance.now();
  await session.sync();
  const done = performance.now();
  await untilHeld(folder, original, state, AbortSignal.any([limited, AbortSignal.timeout(LOOK_LIMIT_MS)]));
  return (done - told) / 1000;
}

/** The counters as soon as they have stood still for a while. */
async function whenQuiet(session: Session, signal: AbortSignal): Promise<Counters> {
  const end = performance.now() + (session.sync ? 0 : PATIENCE_MS);
  let counters = await session.counters();
  for (let since = performance.now(); performance.now() < end && performance.now() - since < QUIET_MS; ) {
    await sleep(LOOK_MS, undefined, { signal });
    const now = await session.counters();
    if (moved(counters, now)) since = performance.now();
    counters = now;
  }
  return counters;
}

/** Whether bytes have crossed the network. */
function moved(before: Counters, after: Counters): boolean {
  return before.up !== after.up || before.down !== after.down;
}
