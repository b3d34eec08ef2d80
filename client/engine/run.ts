/**
 * The engine: the loop that keeps a folder and the service equal. It knows time and signals, and when which step is
 * due.
 */

import { FilePool } from '../../codec/node/file-pool.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import type { SentSoFar } from '../../protocol/socket.ts';
import { ClientError } from '../common/errors.ts';
import { sleep } from '../common/waits.ts';
import { BlockCache } from '../disk/block-cache.ts';
import { type Watch, watchFolder } from '../disk/watch.ts';
import type { Report } from '../output/report.ts';
import type { AccessTokens } from '../service/access-token.ts';
import { createApi } from '../service/api.ts';
import type { Configuration } from '../service/config.ts';
import { connections } from '../service/connections.ts';
import type { Unreachable } from '../service/errors.ts';
import { watchNetwork } from '../service/network-watch.ts';
import { Pushes, type PushOptions } from '../service/socket.ts';
import { Bulletin } from '../state/bulletin.ts';
import type { State } from '../state/state.ts';
import { isOutage } from '../steps/classify.ts';
import { createSync, type Sync, type SyncOptions } from '../steps/context.ts';
import { Clock } from './clock.ts';
import { Contact } from './contact.ts';
import { DeletionGuard, rootGuard } from './deletion-guard.ts';
import { Ending, endOfSignIn } from './ending.ts';
import { Heap } from './heap.ts';
import { Lookout } from './lookout.ts';
import { News } from './news.ts';
import { Rounds } from './round.ts';
import { Signals } from './signals.ts';
import { Transfers } from './transfers.ts';
import { ONCE_ATTEMPTS, Trouble } from './trouble.ts';
import { watchInstructions } from './wake.ts';

export interface EngineOptions {
  readonly root: string;
  readonly state: State;
  readonly configuration: Configuration;
  /** Its name may change meanwhile. */
  readonly device: SyncOptions['device'];
  readonly tokens: AccessTokens;
  readonly report: Report;
  /** Ends the sync. */
  readonly signal: AbortSignal;
  /** Told why the sync ends by itself, before anything else is done about it. */
  readonly onFatal?: (error: unknown) => void;
  /** Bring both sides together, then end. */
  readonly once: boolean;
  readonly allowMassDelete: boolean;
  /** Paths in the folder that stay on this device. */
  readonly apart: ReadonlySet<string>;
}

/**
 * Keeps a folder and the service equal. Resolves when the signal fires, or with `once` when both are equal; throws
 * `incomplete` when they are, but for what could not be synced. However it ends, what is under way is broken off.
 */
export async function runSync(options: EngineOptions): Promise<void> {
  const { root, state, configuration, device, once } = options;
  const bulletin = new Bulletin(root);
  const ending = new Ending(options, bulletin);
  const { signal } = ending;
  const news = new News(options.report, bulletin);
  const contact = new Contact({ report: news.report, bulletin, once });
  const onAttempt = (failure?: Unreachable): void => {
    contact.attempted(failure);
    if (failure) pushes?.probe();
  };
  const api = createApi(configuration.api_url, options.tokens, { signal, onAttempt, onRefused: ending.refused });
  const cache = new BlockCache(root, configuration.cache_bytes);
  await cache.open();
  const pool = new FilePool();
  const idle = new Idleness((event) => {
    news.report(event);
    if (isActivity(event)) pushes?.touch();
  });
  const tell = (message: SentSoFar): void => pushes?.tell(message);
  const sync = createSync({ root, state, api, cache, pool, device, report: idle.report, tell, apart: options.apart });
  await sync.snapshots.clear();
  const signals = new Signals(sync.notices, signal);
  const clock = new Clock();
  const folderWatch = watchRoot(sync, signals, clock);
  const instructions = watchInstructions(root, { 'read-changes': signals.behind, 'read-rules': signals.wake });
  const onSent = (told: SentSoFar): void => {
    if (lookout?.blocked(told.path) === false && transfers?.holds(told.path) === false) transfers.coming.hear(told);
  };
  const pushes = once ? undefined : listen({ sync, signals, clock, url: configuration.socket_url, signal, onSent });
  const listening = pushes?.run();
  const network = watchNetwork(() => {
    // One that is open may show that the others live as well; without any they cannot be told apart.
    if (pushes?.isOpen) connections.avoid();
    else connections.renew();
    pushes?.probe();
    transfers?.tryNow();
    signals.wake();
  });
  let transfers: Transfers | undefined;
  let lookout: Lookout | undefined;
  try {
    const isOnItsWay = (path: string): boolean => transfers?.holds(path) ?? false;
    const acceptsLoss = options.allowMassDelete;
    lookout = new Lookout(sync, folderWatch, signals, { acceptsLoss, isOnItsWay });
    const guard = new DeletionGuard(options.allowMassDelete);
    const demandRoot = await rootGuard(root);
    const onCaughtUp = (): void => contact.isThere(true);
    transfers = new Transfers({ sync, demandRoot, onNews: signals.wake });
    const rounds = new Rounds({ sync, transfers, lookout, clock, guard, demandRoot, onCaughtUp, signal });
    await loop({ sync, transfers, signals, clock, lookout, rounds, contact, news, idle, once, signal });
    ending.demandNoError();
  } catch (error) {
    ending.failed(error);
  } finally {
    ending.end();
    idle.close();
    contact.close();
    bulletin.close();
    network.close();
    signals.close();
    folderWatch.close();
    instructions.close();
    await transfers?.close();
    await sync.snapshots.clear();
    await Promise.all([pool.close(), lookout?.readings.close(), listening]);
  }
}

interface Parts {
  readonly sync: Sync;
  readonly transfers: Transfers;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly lookout: Lookout;
  readonly rounds: Rounds;
  readonly contact: Contact;
  readonly news: News;
  readonly idle: Idleness;
  readonly once: boolean;
  readonly signal: AbortSignal;
}

async function loop(parts: Parts): Promise<void> {
  const { sync, transfers, signals, clock, lookout, rounds, contact, news, idle, once, signal } = parts;
  const trouble = new Trouble(sync.report, once);
  while (!signal.aborted) {
    let wait: number | undefined;
    try {
      wait = await rounds.run();
      news.stillMoving((path) => transfers.holds(path));
      contact.isThere();
    } catch (error) {
      if (signal.aborted) return;
      const offline = contact.waitFor(error);
      if (offline === undefined) {
        await sleep(trouble.meet(translate(error)), signal);
        rounds.startOver();
      } else {
        sync.notices.readChanges();
        await signals.wait(offline);
      }
      continue;
    }
    if (wait === undefined) continue;
    trouble.end();
    news.noTrouble();
    const hasNews = sync.notices.behind || sync.notices.unseen.size > 0;
    const rests = !hasNews && !lookout.waitsForRest && transfers.isIdle && sync.notices.newcomers.size === 0;
    const leftOut = sync.failures.size + lookout.leftOut + sync.state.unreadable.size;
    if (rests && !transfers.isRefused) idle.begin(sync.state.cursor, leftOut);
    if (once && rests && sync.failures.paths.every((path) => sync.failures.countAt(path) >= ONCE_ATTEMPTS)) {
      if (leftOut === 0) return;
      throw new ClientError('incomplete', `${leftOut} paths could not be synced; see 'tidemark status'`);
    }
    await signals.wait(Math.min(wait, clock.untilDue));
  }
}

/** Whether something is changing, so that others' changes are likely. */
function isActivity({ event }: SyncEvent): boolean {
  return ['progress', 'uploaded', 'downloaded', 'renamed', 'deleted', 'directory'].includes(event);
}

/** Says when all work is done, once each time. */
class Idleness {
  readonly #report: Report;
  readonly #heap = new Heap();
  #busy = true;

  constructor(report: Report) {
    this.#report = report;
  }

  readonly report: Report = (event) => {
    this.#busy = true;
    this.#heap.works();
    this.#report(event);
  };

  begin(cursor: number, leftOut: number): void {
    if (this.#busy) this.#report({ event: 'idle', cursor, left_out: leftOut });
    this.#busy = false;
    this.#heap.rests();
  }

  close(): void {
    this.#heap.works();
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

interface ListenOptions {
  readonly sync: Sync;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly url: string;
  readonly signal: AbortSignal;
  readonly onSent: PushOptions['onSent'];
}

function listen({ sync, signals, clock, url, signal, onSent }: ListenOptions): Pushes {
  const connected = (is: boolean): void => {
    clock.connected = is;
    signals.behind();
  };
  return new Pushes({
    url,
    deviceId: sync.device.id,
    api: sync.api,
    signal,
    onOpen: () => connected(true),
    onMissed: (cursor) => {
      if (cursor > sync.state.cursor) signals.behind();
      else clock.heardAll();
    },
    onChanged: (cursor, news) => {
      const isElsewhere = news !== undefined && news.timeline !== sync.state.timeline;
      if (cursor <= sync.state.cursor && !isElsewhere) return;
      if (!news) return signals.behind();
      sync.notices.hear(news);
      signals.wake();
    },
    onSent,
    onLate: () => {
      connections.avoid();
      signals.behind();
    },
    onDead: () => connections.renew(),
    onClosed: () => {
      connections.avoid();
      // One that did not open is no news.
      if (clock.connected) connected(false);
    },
  });
}

function translate(error: unknown): unknown {
  if (isOutage(error)) return new ClientError('unreachable', error.message, { cause: error });
  return endOfSignIn(error) ?? error;
}
