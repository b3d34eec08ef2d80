import { AsyncLocalStorage } from 'node:async_hooks';
import { InjectedTimer } from './injected-timer.ts';

/** Between two looks, ms, and which share of that this thread may work while all that it waits for is time. */
const LOOK_MS = 2;
const QUIET_SHARE = 0.2;
/** So many looks in a row have to find nothing else. */
const QUIET_LOOKS = 2;

type Work = (...values: unknown[]) => void;

/**
 * Time and chance of the code that runs in it, whatever that calls: its timers and `performance.now()` go by a time that
 * leaps to the next timer as soon as all else has come to rest, and `Math.random()` by a generator. All other code of the
 * process has the time of everybody, and so have the stamps of files, and dates.
 */
export class InjectedTime {
  readonly #inside = new AsyncLocalStorage<() => number>();
  readonly #timers = new Set<InjectedTimer>();
  readonly #isBusy: () => boolean;
  readonly #usual = { setTimeout, clearTimeout, setInterval, clearInterval };
  readonly #random = Math.random;
  readonly #now = performance.now.bind(performance);
  readonly #looking: NodeJS.Timeout;
  #last = { at: this.#now(), worked: worked() };
  #quiet = 0;
  #ahead = 0;

  /** @param isBusy whether something is under way that nothing in this process shows, as a call that was not answered yet */
  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy;
    this.#looking = setInterval(this.#look, LOOK_MS);
    this.#install();
  }

  /** Runs something in this time. @param random gives numbers of at least 0, and below 1 */
  run<Result>(random: () => number, work: () => Result): Result {
    return this.#inside.run(random, work);
  }

  /** The process has the time of everybody again. */
  close(): void {
    this.#usual.clearInterval(this.#looking);
    Object.assign(globalThis, this.#usual);
    Math.random = this.#random;
    Reflect.deleteProperty(performance, 'now');
  }

  #install(): void {
    const usual = this.#usual;
    const setter =
      (outside: typeof setTimeout | typeof setInterval, isRepeated: boolean) =>
      (work: Work, milliseconds = 1, ...values: unknown[]) =>
        this.#inside.getStore()
          ? new InjectedTimer(this.#queue, () => work(...values), { milliseconds, isRepeated })
          : outside(work, milliseconds, ...values);
    const clear = (timer: InjectedTimer | NodeJS.Timeout | undefined): void => {
      if (timer instanceof InjectedTimer) timer.clear();
      else usual.clearTimeout(timer);
    };
    Object.assign(globalThis, {
      setTimeout: setter(usual.setTimeout, false),
      setInterval: setter(usual.setInterval, true),
      clearTimeout: clear,
      clearInterval: clear,
    });
    Math.random = () => (this.#inside.getStore() ?? this.#random)();
    performance.now = () => this.#now() + (this.#inside.getStore() ? this.#ahead : 0);
  }

  readonly #queue = {
    now: () => this.#now() + this.#ahead,
    add: (timer: InjectedTimer) => void this.#timers.add(timer),
    remove: (timer: InjectedTimer) => void this.#timers.delete(timer),
  };

  readonly #look = (): void => {
    const { at, worked: before } = this.#last;
    this.#last = { at: this.#now(), worked: worked() };
    const isIdle = this.#last.worked - before < QUIET_SHARE * (this.#last.at - at);
    this.#quiet = isIdle && !this.#isBusy() && !waitsForDisk() ? this.#quiet + 1 : 0;
    const next = this.#next;
    if (next && this.#quiet >= QUIET_LOOKS) this.#ahead = Math.max(this.#ahead, next.at - this.#now());
    this.#fire();
  };

  get #next(): InjectedTimer | undefined {
    return [...this.#timers].sort((one, other) => one.at - other.at)[0];
  }

  /** What one timer sets off comes before the next one, as in Node. */
  readonly #fire = (): void => {
    const next = this.#next;
    if (!next || next.at > this.#queue.now()) return;
    this.#quiet = 0;
    setImmediate(this.#fire);
    next.fire();
  };
}

/** What this thread has had of a processor, ms: unlike the time that passed, it does not depend on what else is at work. */
function worked(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Whether any call of this process waits for a file system. */
function waitsForDisk(): boolean {
  return process.getActiveResourcesInfo().some((kind) => /^(FSReq|CloseReq)/.test(kind));
}
