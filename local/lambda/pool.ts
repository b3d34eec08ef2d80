import { randomUUID } from 'node:crypto';
import { LocalError } from '../errors.ts';
import type { Log } from '../types.ts';
import { type FunctionDefinition, functionArn } from './definition.ts';
import { InitFailure, type Instance, type Outcome } from './instance.ts';

/** The instances of one function. */
export interface Pool {
  /**
   * Runs one event in a warm instance or a new one. At the reserved concurrency `refuse` throws
   * TooManyRequestsException, and `wait` queues the event until an earlier one is done.
   */
  run(payload: Buffer, whenFull: 'refuse' | 'wait'): Promise<Outcome>;
  stop(): Promise<void>;
}

/** Lambda keeps idle instances for minutes; long enough for a person's next save, short enough for the machine. */
const IDLE_MS = 5 * 60_000;

/** Account-wide limit of concurrent executions, as in a new account. */
const ACCOUNT_CONCURRENCY = 1000;

function traceId(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  const random = randomUUID().replaceAll('-', '');
  return `Root=1-${seconds}-${random.slice(0, 24)};Parent=${random.slice(0, 16)};Sampled=0`;
}

/** `start` makes an instance; the first one's cold start goes to `log`. */
export function createPool(definition: FunctionDefinition, start: () => Promise<Instance>, log: Log): Pool {
  const { name } = definition;
  const limit = definition.reservedConcurrency ?? ACCOUNT_CONCURRENCY;
  const instances = new Instances(name, start, log);
  const waiting: (() => void)[] = [];
  let running = 0;

  const enter = async (whenFull: 'refuse' | 'wait'): Promise<void> => {
    while (running >= limit && !instances.stopped) {
      if (whenFull === 'refuse') throw new LocalError('TooManyRequestsException', 'Rate Exceeded.', 429);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    if (instances.stopped) {
      throw new LocalError('ServiceException', `the local cloud is stopping; ${name} is not run`, 503);
    }
    running++;
  };

  return {
    async run(payload, whenFull) {
      await enter(whenFull);
      try {
        const instance = await instances.take();
        const outcome = await instance.run({
          requestId: randomUUID(),
          functionArn: functionArn(name),
          traceId: traceId(),
          payload: payload.length === 0 ? '{}' : payload.toString('utf8'),
        });
        instances.put(instance);
        return outcome;
      } catch (error) {
        if (error instanceof InitFailure) return error.outcome;
        throw error;
      } finally {
        running--;
        waiting.shift()?.();
      }
    },
    async stop() {
      const stopped = instances.stop();
      for (const release of waiting.splice(0)) release();
      await stopped;
    },
  };
}

/** The processes of one function, and of these the ones that wait for an event. */
class Instances {
  stopped = false;
  readonly #name: string;
  readonly #start: () => Promise<Instance>;
  readonly #log: Log;
  readonly #all = new Set<Instance>();
  /** The last used at the end: it is used next, so that the others can go. */
  readonly #idle: { instance: Instance; timer: NodeJS.Timeout }[] = [];
  #announced = false;

  constructor(name: string, start: () => Promise<Instance>, log: Log) {
    this.#name = name;
    this.#start = start;
    this.#log = log;
  }

  /** A warm instance, or a new one. */
  async take(): Promise<Instance> {
    for (let warm = this.#idle.pop(); warm; warm = this.#idle.pop()) {
      clearTimeout(warm.timer);
      if (warm.instance.isAlive()) return warm.instance;
      this.#all.delete(warm.instance);
    }
    const instance = await this.#start();
    this.#all.add(instance);
    if (this.stopped) await instance.stop();
    if (!this.#announced) this.#log(`${this.#name}: cold start ${Math.round(instance.coldStartMs)} ms`, 'note');
    this.#announced = true;
    return instance;
  }

  /** Keeps an instance warm for a while. */
  put(instance: Instance): void {
    if (!instance.isAlive() || this.stopped) {
      this.#all.delete(instance);
      return;
    }
    const timer = setTimeout(() => {
      this.#idle.splice(
        this.#idle.findIndex((entry) => entry.instance === instance),
        1,
      );
      this.#all.delete(instance);
      void instance.stop();
    }, IDLE_MS);
    this.#idle.push({ instance, timer });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    await Promise.all([...this.#all].map((instance) => instance.stop()));
  }
}
