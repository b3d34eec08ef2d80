import { AsyncLocalStorage } from 'node:async_hooks';
import { InjectedTimer } from './injected-timer.ts';

/** Between two looks, ms, and how much of a processor this thread takes while all that it waits for is time, ms. */
const LOOK_MS = 2;
const QUIET_MS = 0.4;
/** So many looks in a row have to find nothing else. */
const QUIET_LOOKS = 2;

type Work = (...values: unknown[]) => void;

/**
 * Time and chance of the code that runs in it, whatever that calls: its timers and `performance.now()` go by a time that
 * leaps to the next timer as soon as everything else has come to rest, and `Math.random()` by a generator. All other code
 * of the process has the time of everybody, and so have the stamps of files, and dates.
 */
export class InjectedTime {
  readonly #inside = new AsyncLocalStorage<() => number>();
  readonly #timers = new Set<InjectedTimer>();
  readonly #isBusy: () => boolean;
  readonly #real = { setTimeout, clearTimeout, setInterval, clearInterval, random: Math.random };
  readonly #now = performance.now.bind(performance);
  readonly #looking: NodeJS.Timeout;
  #worked = worked();
  #quiet = 0;
  #ahead = 0;

  /** @param isBusy whether something is under way that no time of this process shows, as a call that was not answered yet */
  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy;
    const real = this.#real;
    const set = (work: Work, milliseconds: number | undefined, values: unknown[], isRepeated: boolean) =>
      new InjectedTimer(this.#queue, () => work(...values), { milliseconds: milliseconds ?? 0, isRepeated });
    const clear = (usual: typeof clearTimeout) => (timer: unknown) =>
      timer instanceof InjectedTimer ? void timer.close() : usual(timer as NodeJS.Timeout);
    Object.assign(globalThis, {
      setTimeout: Object.assign(
        (work: Work, milliseconds?: number, ...values: unknown[]) =>
          this.#inside.getStore()
            ? set(work, milliseconds, values, false)
            : real.setTimeout(work, milliseconds, ...values),
        setTimeout,
      ),
      setInterval: (work: Work, milliseconds?: number, ...values: unknown[]) =>
        this.#inside.getStore()
          ? set(work, milliseconds, values, true)
          : real.setInterval(work, milliseconds, ...values),
      clearTimeout: clear(real.clearTimeout),
      clearInterval: clear(real.clearInterval),
    });
    Math.random = () => (this.#inside.getStore() ?? real.random)();
    performance.now = () => this.#now() + (this.#inside.getStore() ? this.#ahead : 0);
    this.#looking = real.setInterval(this.#look, LOOK_MS);
  }

  /** Runs something in this time. @param random gives numbers of at least 0, and below 1 */
  run<Result>(random: () => number, work: () => Result): Result {
    return this.#inside.run(random, work);
  }

  /** The process has the time of everybody again. */
  close(): void {
    this.#real.clearInterval(this.#looking);
    const { random, ...timers } = this.#real;
    Object.assign(globalThis, timers);
    Math.random = random;
    Reflect.deleteProperty(performance, 'now');
  }

  readonly #queue = {
    now: () => this.#now() + this.#ahead,
    add: (timer: InjectedTimer) => void this.#timers.add(timer),
    remove: (timer: InjectedTimer) => void this.#timers.delete(timer),
  };

  readonly #look = (): void => {
    const before = this.#worked;
    this.#worked = worked();
    this.#quiet = this.#worked - before < QUIET_MS && !this.#isBusy() ? this.#quiet + 1 : 0;
    const [next] = [...this.#timers].sort((one, other) => one.at - other.at);
    if (!next) return;
    if (this.#quiet >= QUIET_LOOKS) this.#ahead = Math.max(this.#ahead, next.at - this.#now());
    const due = [...this.#timers].filter(({ at }) => at <= this.#queue.now()).sort((one, other) => one.at - other.at);
    for (const timer of due) if (this.#timers.has(timer)) timer.fire();
    if (due.length > 0) this.#quiet = 0;
  };
}

/** What this thread has had of a processor, ms: unlike the time that passed, it does not depend on what else is at work. */
function worked(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
