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
  /** Idle instances, the last used at the end: it is used next, so that the others can go. */
  const idle: { instance: Instance; timer: NodeJS.Timeout }[] = [];
  const all = new Set<Instance>();
  const waiting: (() => void)[] = [];
  let running = 0;
  let announced = false;
  let stopped = false;

  const take = async (): Promise<Instance> => {
    for (let warm = idle.pop(); warm; warm = idle.pop()) {
      clearTimeout(warm.timer);
      if (warm.instance.isAlive()) return warm.instance;
      all.delete(warm.instance);
    }
    const instance = await start();
    all.add(instance);
    if (stopped) await instance.stop();
    if (!announced) log(`${name}: cold start ${Math.round(instance.coldStartMs)} ms`, 'note');
    announced = true;
    return instance;
  };

  const put = (instance: Instance): void => {
    if (!instance.isAlive() || stopped) {
      all.delete(instance);
      return;
    }
    const timer = setTimeout(() => {
      idle.splice(
        idle.findIndex((entry) => entry.instance === instance),
        1,
      );
      all.delete(instance);
      void instance.stop();
    }, IDLE_MS);
    idle.push({ instance, timer });
  };

  return {
    async run(payload, whenFull) {
      while (running >= limit && !stopped) {
        if (whenFull === 'refuse') throw new LocalError('TooManyRequestsException', 'Rate Exceeded.', 429);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      if (stopped) throw new LocalError('ServiceException', `the local cloud is stopping; ${name} is not run`, 503);
      running++;
      try {
        const instance = await take();
        const outcome = await instance.run({
          requestId: randomUUID(),
          functionArn: functionArn(name),
          traceId: traceId(),
          payload: payload.length === 0 ? '{}' : payload.toString('utf8'),
        });
        put(instance);
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
      stopped = true;
      for (const release of waiting.splice(0)) release();
      for (const { timer } of idle.splice(0)) clearTimeout(timer);
      await Promise.all([...all].map((instance) => instance.stop()));
    },
  };
}
