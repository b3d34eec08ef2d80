import { mkdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../protocol/limits.ts';
import { createApi } from './api.ts';
import { ServiceError, Unreachable } from './api-errors.ts';
import { BlockCache } from './block-cache.ts';
import { catchUp } from './changes.ts';
import type { Configuration } from './config.ts';
import { conflictPath } from './conflict.ts';
import { ClientError } from './errors.ts';
import { execute } from './execute.ts';
import { DeletionGuard, rootGuard } from './guard.ts';
import { heal } from './heal.ts';
import { ignoreFile } from './ignore.ts';
import { Lookout } from './look.ts';
import { pathsOf } from './operation.ts';
import { plan } from './plan.ts';
import type { Report } from './report.ts';
import { backoff } from './retry.ts';
import type { Session } from './session.ts';
import { Signals } from './signals.ts';
import { keepSocket } from './socket.ts';
import { type State, stateFolder } from './state.ts';
import { endsSession, Sync } from './sync.ts';
import { watchFolder } from './watch.ts';

export interface EngineOptions {
  readonly root: string;
  readonly state: State;
  readonly configuration: Configuration;
  readonly session: Session;
  readonly report: Report;
  /** Ends the sync, at the next safe moment. */
  readonly signal: AbortSignal;
  /** Bring both sides together, then end. */
  readonly once: boolean;
  readonly allowMassDelete: boolean;
}

/** Changes are read this often while no push can arrive, and this often in any case. */
const POLL_MS = 60_000;
const SAFETY_POLL_MS = 10 * 60_000;
/** The whole folder is looked at this often, watched or not; and this often when it cannot be watched. */
const RESCAN_MS = 10 * 60_000;
const DEGRADED_RESCAN_MS = 10_000;
/** The service is asked this often whether it has lost blocks. */
const HEAL_MS = 60 * 60_000;
/** Attempts for one path in a sync that is to end. */
const ONCE_ATTEMPTS = 3;

/** Keeps a folder and the service equal. Resolves when the signal fires, or with `once` when both are equal. */
export async function runSync(options: EngineOptions): Promise<void> {
  const { root, state, configuration, report, signal, once } = options;
  const api = createApi(configuration.api_url, options.session);
  const cache = new BlockCache(root);
  await cache.open();
  state.clearProblems();
  state.dropUploadsBefore(Date.now() - limits.uploadHours * 3_600_000);
  const device = { id: configuration.device_id, name: configuration.device_name };
  let busy = true;
  const sync = new Sync({
    root,
    state,
    api,
    cache,
    device,
    report: (event) => {
      busy ||= event.event !== 'idle';
      report(event);
    },
  });
  const signals = new Signals(sync, signal);
  let rescanMs = RESCAN_MS;
  const folderWatch = watchFolder(root, {
    onChange: signals.changed,
    onDegraded: (message) => {
      rescanMs = DEGRADED_RESCAN_MS;
      sync.report({ event: 'degraded', message });
      signals.wake();
    },
  });
  const lookout = new Lookout(sync, folderWatch, signals.later);
  const guard = new DeletionGuard(options.allowMassDelete);
  const demandRoot = await rootGuard(root);
  const wakeWatch = watchWakes(root, signals.behind);
  let connected = false;
  let online: boolean | undefined;
  const socketEnd = new AbortController();
  const socket = once
    ? Promise.resolve()
    : keepSocket({
        url: configuration.socket_url,
        deviceId: device.id,
        api,
        signal: socketEnd.signal,
        onOpen: () => {
          connected = true;
          signals.behind();
        },
        onChanged: (cursor) => {
          if (cursor > state.cursor) signals.behind();
        },
        onClosed: () => {
          connected = false;
          signals.behind();
        },
      });

  let offlineAttempts = 0;
  let ignoreHint: string | undefined;
  let rescanAt = Date.now() + rescanMs;
  let pollAt = Date.now() + POLL_MS;
  let healAt = Date.now();
  let first = true;

  const goOnline = (): void => {
    if (!online) sync.report({ event: 'online' });
    online = true;
    offlineAttempts = 0;
  };

  /** One round: look, catch up, plan, execute. Answers the milliseconds to wait when nothing is left to do. */
  const round = async (): Promise<number | undefined> => {
    await demandRoot();
    if (first || state.trees.local.get(ignoreFile)?.hint !== ignoreHint) await lookout.readIgnores();
    if (Date.now() >= rescanAt) sync.unseen.add('');
    if (sync.unseen.has('')) rescanAt = Date.now() + rescanMs;
    await lookout.look({ first });
    first = false;
    ignoreHint = state.trees.local.get(ignoreFile)?.hint;
    await demandRoot();
    if (sync.behind || Date.now() >= pollAt) {
      sync.behind = false;
      await catchUp(sync);
      pollAt = Date.now() + (connected ? SAFETY_POLL_MS : POLL_MS);
      if (online === undefined) goOnline();
    }
    if (Date.now() >= healAt) {
      healAt = Date.now() + HEAL_MS;
      await heal(sync);
    }

    const planned = performance.now();
    const operations = plan(state.trees, {
      dirty: new Set([...sync.dirty, ...sync.failures.keys()]),
      blocked: (path) => lookout.blocked(path),
      unmovable: sync.unmovable,
      conflictPath: (path) => freeConflictPath(sync, path),
    });
    sync.dirty.clear();
    for (const operation of operations) for (const path of pathsOf(operation)) sync.dirty.add(path);
    for (const path of [...sync.failures.keys()]) if (!sync.dirty.has(path)) sync.succeed(path);
    const ready = operations.filter((operation) => pathsOf(operation).every((path) => sync.mayTry(path)));
    if (ready.length === 0) return settle(sync);
    guard.check(ready, state.trees.synced);
    const patience = performance.now() + 10 * (performance.now() - planned);
    const interrupted = (): boolean =>
      signal.aborted || ((sync.unseen.size > 0 || sync.behind) && performance.now() > patience);
    guard.note(await execute(sync, ready, interrupted));
    return undefined;
  };

  try {
    while (!signal.aborted) {
      let wait: number | undefined;
      try {
        wait = await round();
        goOnline();
      } catch (error) {
        if (!isOutage(error) || once) throw translate(error);
        if (online !== false) sync.report({ event: 'offline', message: error.message });
        online = false;
        sync.behind = true;
        wait = backoff(++offlineAttempts);
      }
      if (wait === undefined) continue;
      const resting = online === true && !sync.behind && sync.unseen.size === 0;
      if (busy && resting) {
        busy = false;
        report({ event: 'idle', cursor: state.cursor });
      }
      const held = [...sync.failures.values()];
      if (once && resting && held.every(({ count }) => count >= ONCE_ATTEMPTS)) {
        if (held.length > 0)
          throw new ClientError('incomplete', `${held.length} paths could not be synced; see 'tidemark status'`);
        return;
      }
      const next = Math.min(wait, rescanAt - Date.now(), pollAt - Date.now());
      await signals.wait(online === false ? wait : next);
    }
  } finally {
    socketEnd.abort();
    signals.close();
    folderWatch.close();
    wakeWatch.close();
    await socket;
  }
}

/** Nothing can be done now. Answers when the next failed path may be tried again, in milliseconds. */
function settle(sync: Sync): number {
  if (sync.unseen.size === 0) sync.noticed.clear();
  let wait = Number.POSITIVE_INFINITY;
  for (const { retryAt } of sync.failures.values()) wait = Math.min(wait, Math.max(0, retryAt - Date.now()));
  return wait;
}

function freeConflictPath(sync: Sync, path: string): string {
  const { local, remote } = sync.state.trees;
  return conflictPath(path, sync.device.name, new Date(), (candidate) => local.has(candidate) || remote.has(candidate));
}

/** Whether the service as a whole is away or broken, and waiting may help. */
function isOutage(error: unknown): error is Error {
  return error instanceof Unreachable || (error instanceof ServiceError && error.status >= 500);
}

function translate(error: unknown): unknown {
  if (isOutage(error)) return new ClientError('unreachable', error.message, { cause: error });
  if (error instanceof ServiceError && endsSession(error)) {
    return new ClientError('not_signed_in', `${error.message}: run 'tidemark login' again`, { cause: error });
  }
  return error;
}

const wakeFolder = (root: string): string => join(root, stateFolder, 'wake');

/** Another command on this machine changed something at the service: the push leaves out the device that did. */
function watchWakes(root: string, onWake: () => void): { close(): void } {
  mkdirSync(wakeFolder(root), { recursive: true, mode: 0o700 });
  return watch(wakeFolder(root), onWake);
}

/** Tells the process that syncs this folder, if there is one, to read the changes now. */
export function wakeSync(root: string): void {
  mkdirSync(wakeFolder(root), { recursive: true, mode: 0o700 });
  writeFileSync(join(wakeFolder(root), 'now'), String(Date.now()));
}
