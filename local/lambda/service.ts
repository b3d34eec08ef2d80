/* Lambda: functions in processes of their own, one event at a time each, with their limits, retries and logs. */

import { setTimeout as sleep } from 'node:timers/promises';
import { compileCache } from '../compile-cache.ts';
import { LocalError, reason } from '../errors.ts';
import type { Identities, InvokeResult, Log } from '../types.ts';
import { environmentOf, type FunctionDefinition } from './definition.ts';
import { type Instance, startInstance } from './instance.ts';
import { createLogs } from './logs.ts';
import { demandDestination, logObstacle, traceObstacle } from './own-calls.ts';
import { createPool, type Pool } from './pool.ts';

/** The Lambda service: functions by name, invoked synchronously or through a queue. */
export interface LambdaService {
  add(definition: FunctionDefinition): void;
  /** By name, ARN or logical id; with the qualifier of a version or alias, all of which run the same code here. */
  find(nameOrArn: string): FunctionDefinition | undefined;
  /**
   * How often an asynchronous invocation is retried, 2 unless given, how long it may wait for that, and the ARN that a
   * lost one is then sent to. Throws where the function's role may not send there.
   */
  setFailure(functionName: string, failure: { retries?: number; maxAgeMs?: number; destination?: string }): void;
  invoke(nameOrArn: string, payload: Buffer, mode: 'RequestResponse' | 'Event'): Promise<InvokeResult>;
  definitions(): readonly FunctionDefinition[];
  stop(): Promise<void>;
}

/** Payload limits in bytes: 6 MB for synchronous invocations, 1 MB for asynchronous ones (256 KB before October 2025). */
const MAX_PAYLOAD = { RequestResponse: 6 * 1024 * 1024, Event: 1024 * 1024 } as const;
const RETRIES = 2;
const MAX_AGE_MS = 6 * 60 * 60_000;
/** Lambda waits a minute before the first retry of a failed event and two before the second. */
const FAILURE_WAIT_MS = 60_000;

interface LambdaOptions {
  readonly data: string;
  readonly endpoints: () => Readonly<Record<string, string>>;
  readonly tls: { readonly ca: string; readonly caFile: string };
  readonly authorize: Identities['authorize'];
  readonly log: Log;
}

/** A function with what runs it. */
interface Served {
  readonly definition: FunctionDefinition;
  readonly pool: Pool;
  readonly retries: number;
  readonly maxAgeMs: number;
  readonly destination?: string;
}

/** Runs an asynchronous event, and again as often as the function says when it fails. */
async function runQueued(served: Served, payload: Buffer, signal: AbortSignal, log: Log): Promise<void> {
  const { definition, pool, retries, maxAgeMs, destination } = served;
  const received = Date.now();
  for (let attempt = 1; ; attempt++) {
    const outcome = await pool.run(payload, 'wait');
    if (!outcome.failed) return;
    const wait = attempt * FAILURE_WAIT_MS;
    if (attempt > retries || Date.now() + wait - received > maxAgeMs) {
      const end = destination ? `would be sent to ${destination}` : 'is dropped';
      const what = `an asynchronous event failed ${attempt} times and ${end}`;
      log(`${definition.name}: ${what}: ${outcome.payload.slice(0, 300)}`);
      return;
    }
    await sleep(wait, undefined, { signal, ref: false });
  }
}

/** Starts a process whose output goes to its log where its role lets it, and says what its role withholds. */
function startLogged(
  { authorize, endpoints, tls, log }: LambdaOptions,
  definition: FunctionDefinition,
  toItsLog: (line: string) => void,
): Promise<Instance> {
  const obstacle = logObstacle(authorize, definition);
  for (const lost of [obstacle, traceObstacle(authorize, definition)]) if (lost !== undefined) log(lost);
  const environment = { ...environmentOf(definition, endpoints(), tls.caFile), NODE_COMPILE_CACHE: compileCache };
  return startInstance(definition, environment, tls.ca, obstacle === undefined ? toItsLog : () => {});
}

export function createLambda(options: LambdaOptions): LambdaService {
  const { log } = options;
  const logs = createLogs(options.data, log);
  const functions = new Map<string, Served>();
  const stopping = new AbortController();

  const lookUp = (nameOrArn: string) => {
    const name = nameOrArn.match(/function:([^:]+)/)?.[1] ?? nameOrArn.split(':')[0] ?? '';
    return functions.get(name) ?? [...functions.values()].find(({ definition }) => definition.logicalId === name);
  };

  const demand = (nameOrArn: string) => {
    const found = lookUp(nameOrArn);
    if (found) return found;
    throw new LocalError('ResourceNotFoundException', `Function not found: ${nameOrArn}`, 404);
  };

  return {
    add(definition) {
      const start = () => startLogged(options, definition, logs.lines(definition.name));
      functions.set(definition.name, {
        definition,
        pool: createPool(definition, start, log),
        retries: RETRIES,
        maxAgeMs: MAX_AGE_MS,
      });
    },
    find: (nameOrArn) => lookUp(nameOrArn)?.definition,
    setFailure(functionName, failure) {
      const found = demand(functionName);
      if (failure.destination) demandDestination(options.authorize, found.definition, failure.destination);
      Object.assign(found, failure);
    },
    async invoke(nameOrArn, payload, mode) {
      const served = demand(nameOrArn);
      const { definition, pool } = served;
      if (payload.length > MAX_PAYLOAD[mode]) {
        const limit = `${MAX_PAYLOAD[mode]} bytes for the ${mode} invocation type`;
        throw new LocalError('RequestTooLargeException', `Request must be smaller than ${limit}`, 413);
      }
      if (mode === 'Event') {
        runQueued(served, payload, stopping.signal, log).catch((error: unknown) => {
          if (!stopping.signal.aborted) log(`${definition.name}: an asynchronous event is lost: ${reason(error)}`);
        });
        return { payload: Buffer.alloc(0) };
      }
      const outcome = await pool.run(payload, 'refuse');
      const answer = Buffer.from(outcome.payload);
      return outcome.failed ? { payload: answer, functionError: 'Unhandled' } : { payload: answer };
    },
    definitions: () => [...functions.values()].map(({ definition }) => definition),
    async stop() {
      stopping.abort();
      await Promise.all([...functions.values()].map(({ pool }) => pool.stop()));
      await logs.stop();
    },
  };
}
