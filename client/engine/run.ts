/**
 * The engine: the loop that keeps a folder and the service equal. It knows time and signals, and when which step is
 * due.
 */

import { FilePool } from '../../codec/node/file-pool.ts';
import { ClientError } from '../common/errors.ts';
import { sleep, whileAway } from '../common/waits.ts';
import { BlockCache } from '../disk/block-cache.ts';
import { type Watch, watchFolder } from '../disk/watch.ts';
import type { Report } from '../output/report.ts';
import type { AccessTokens } from '../service/access-token.ts';
import { createApi } from '../service/api.ts';
import type { Configuration } from '../service/config.ts';
import { ServiceError, Unreachable } from '../service/errors.ts';
import { keepSocket } from '../service/socket.ts';
import type { State } from '../state/state.ts';
import { endsSignIn, isOutage } from '../steps/classify.ts';
import { createSync, type Sync } from '../steps/context.ts';
import { Clock } from './clock.ts';
import { DeletionGuard, rootGuard } from './deletion-guard.ts';
import { Lookout } from './lookout.ts';
import { Rounds } from './round.ts';
import { Signals } from './signals.ts';
import { Trouble } from './trouble.ts';
import { watchInstructions } from './wake.ts';

export interface EngineOptions {
  readonly root: string;
  readonly state: State;
  readonly configuration: Configuration;
  readonly tokens: AccessTokens;
  readonly report: Report;
  /** Ends the sync, at the next safe moment. */
  readonly signal: AbortSignal;
  /** Bring both sides together, then end. */
  readonly once: boolean;
  readonly allowMassDelete: boolean;
  /** Paths in the folder that stay on this device. */
  readonly apart: ReadonlySet<string>;
}

/** Attempts for one path in a sync that is to end. */
const ONCE_ATTEMPTS = 3;

/**
 * Keeps a folder and the service equal. Resolves when the signal fires, or with `once` when both are equal; throws
 * `incomplete` when they are, but for what could not be synced.
 */
export async function runSync(options: EngineOptions): Promise<void> {
  const { root, state, configuration, signal, once } = options;
  const api = createApi(configuration.api_url, options.tokens);
  const cache = new BlockCache(root, configuration.cache_bytes);
  await cache.open();
  const pool = new FilePool();
  const device = { id: configuration.device_id, name: configuration.device_name };
  const idle = new Idleness(options.report);
  const sync = createSync({ root, state, api, cache, pool, device, report: idle.report, apart: options.apart });
  const signals = new Signals(sync.notices, signal);
  const clock = new Clock();
  const folderWatch = watchRoot(sync, signals, clock);
  const instructions = watchInstructions(root, { 'read-changes': signals.behind });
  const socketEnd = new AbortController();
  const socket = once ? Promise.resolve() : listen(sync, signals, clock, configuration.socket_url, socketEnd.signal);
  try {
    const lookout = new Lookout(sync, folderWatch, signals);
    const guard = new DeletionGuard(options.allowMassDelete);
    const network = new Network(sync, once);
    const demandRoot = await rootGuard(root);
    const onCaughtUp = (): void => network.isThere(true);
    const rounds = new Rounds({ sync, lookout, clock, guard, demandRoot, onCaughtUp, signal });
    await loop({ sync, signals, clock, lookout, rounds, network, idle, once, signal });
  } finally {
    socketEnd.abort();
    signals.close();
    folderWatch.close();
    instructions.close();
    await pool.close();
    await socket;
  }
}

interface Parts {
  readonly sync: Sync;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly lookout: Lookout;
  readonly rounds: Rounds;
  readonly network: Network;
  readonly idle: Idleness;
  readonly once: boolean;
  readonly signal: AbortSignal;
}

async function loop({ sync, signals, clock, lookout, rounds, network, idle, once, signal }: Parts): Promise<void> {
  const trouble = new Trouble(sync.report, once);
  while (!signal.aborted) {
    let wait: number | undefined;
    try {
      wait = await rounds.run();
      network.isThere();
    } catch (error) {
      const offline = network.waitFor(error);
      if (offline === undefined) {
        await sleep(trouble.meet(translate(error)), signal);
        rounds.startOver();
      } else await signals.wait(offline);
      continue;
    }
    if (wait === undefined) continue;
    trouble.end();
    const rests = !sync.notices.behind && sync.notices.unseen.size === 0 && !lookout.waitsForRest;
    const leftOut = sync.failures.size + lookout.leftOut;
    if (rests) idle.begin(sync.state.cursor, leftOut);
    if (once && rests && sync.failures.paths.every((path) => sync.failures.countAt(path) >= ONCE_ATTEMPTS)) {
      if (leftOut === 0) return;
      throw new ClientError('incomplete', `${leftOut} paths could not be synced; see 'tidemark status'`);
    }
    await signals.wait(Math.min(wait, clock.untilDue));
  }
}

/** Says when all work is done, once each time. */
class Idleness {
  readonly #report: Report;
  #busy = true;

  constructor(report: Report) {
    this.#report = report;
  }

  readonly report: Report = (event) => {
    this.#busy = true;
    this.#report(event);
  };

  begin(cursor: number, leftOut: number): void {
    if (this.#busy) this.#report({ event: 'idle', cursor, left_out: leftOut });
    this.#busy = false;
  }
}

/** Whether the service answers, as far as is known. */
class Network {
  readonly #sync: Sync;
  readonly #once: boolean;
  #online: boolean | undefined;
  #attempts = 0;
  /** By `performance.now()`. */
  #awaySince = 0;

  constructor(sync: Sync, once: boolean) {
    this.#sync = sync;
    this.#once = once;
  }

  /** It answered; `first` when that is of interest only if nothing was known before. */
  isThere(first = false): void {
    if (first && this.#online !== undefined) return;
    if (!this.#online) this.#sync.report({ event: 'online' });
    this.#online = true;
    this.#attempts = 0;
  }

  /** The milliseconds to wait after a failure of the service; `undefined` after any other, and in a sync that is to end. */
  waitFor(error: unknown): number | undefined {
    if (!isOutage(error) || this.#once) return undefined;
    if (this.#online !== false) this.#sync.report({ event: 'offline', message: error.message });
    this.#online = false;
    if (this.#attempts === 0) this.#awaySince = performance.now();
    this.#sync.notices.readChanges();
    const asked = error instanceof Unreachable ? error.after : 0;
    return Math.max(asked, whileAway(++this.#attempts, performance.now() - this.#awaySince));
  }
}

function watchRoot(sync: Sync, signals: Signals, clock: Clock): Watch {
  return watchFolder(sync.root, {
    onChange: signals.changed,
    onDegraded: (message) => {
      clock.degrade();
      sync.report({ event: 'degraded', message });
      signals.wake();
    },
  });
}

function listen(sync: Sync, signals: Signals, clock: Clock, url: string, signal: AbortSignal): Promise<void> {
  const connected = (is: boolean): void => {
    clock.connected = is;
    signals.behind();
  };
  return keepSocket({
    url,
    deviceId: sync.device.id,
    api: sync.api,
    signal,
    onOpen: () => connected(true),
    onChanged: (cursor) => {
      if (cursor > sync.state.cursor) signals.behind();
    },
    onClosed: () => connected(false),
  });
}

function translate(error: unknown): unknown {
  if (isOutage(error)) return new ClientError('unreachable', error.message, { cause: error });
  if (error instanceof ServiceError && endsSignIn(error)) {
    return new ClientError('not_signed_in', `${error.message}: run 'tidemark login' again`, { cause: error });
  }
  return error;
}
