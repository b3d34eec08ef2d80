import { randomUUID } from 'node:crypto';
import type { Step } from '../plan/operation.ts';
import { same } from '../plan/tree.ts';
import { ServiceError } from '../service/errors.ts';
import { endsSignIn } from './classify.ts';
import type { Sync } from './context.ts';
import { advanceCursor } from './cursor.ts';

type DeleteStep = Step<'deleteRemote'>;
type MoveStep = Step<'moveRemote'>;

/** Times that a rename is tried on what another device made of the file just before. */
const STALE_TRIES = 3;

/** Deletes at the service what was deleted here, in one call. */
export async function deleteRemote(
  sync: Pick<Sync, 'api' | 'device' | 'state' | 'notices' | 'failures' | 'report'>,
  steps: readonly DeleteStep[],
): Promise<void> {
  const files = steps.map(({ path, base_version }) => ({ path, base_version }));
  const request = { request_id: randomUUID(), device_id: sync.device.id, files };
  const answer = await sync.api.remove(request).catch((error) => {
    sync.failures.failEach(
      files.map(({ path }) => path),
      error,
    );
  });
  if (!answer) return;
  const { body } = answer;
  sync.state.transaction(() => {
    for (const result of body.results) {
      const { path } = result;
      if ('error' in result) {
        sync.failures.fail(path, result.error.code, result.error.message);
        continue;
      }
      sync.state.remove('remote', path);
      sync.state.remove('synced', path);
      const done = { path, version: result.version, at: Date.now(), ...sync.notices.noticedAt(path) };
      sync.report({ event: 'deleted', side: 'remote', ...done });
      sync.failures.succeed(path);
    }
    advanceCursor(sync, body.results);
  });
}

/**
 * Renames at the service what was renamed here, in one commit. A rename that the service refuses travels as a new file
 * and a deletion from then on; one of a file that another device just changed is tried again on what that made of it.
 */
export async function moveRemote(
  sync: Pick<Sync, 'api' | 'device' | 'state' | 'notices' | 'failures' | 'unmovable' | 'report'>,
  steps: readonly MoveStep[],
): Promise<void> {
  const { state } = sync;
  const moves = steps.map(({ from, to, base_version }) => ({ from, to, base_version }));
  const refuse = (from: string, to: string): void => {
    for (const path of [from, to]) {
      sync.unmovable.add(path);
      sync.notices.replan(path);
    }
    sync.notices.readChanges();
  };
  const answer = await sync.api.move({ request_id: randomUUID(), device_id: sync.device.id, moves }).catch((error) => {
    if (!(error instanceof ServiceError) || endsSignIn(error) || error.status >= 500) throw error;
    for (const { from, to } of moves) refuse(from, to);
  });
  if (!answer) return;
  const { body } = answer;
  const byTarget = new Map(steps.map((step) => [step.to, step.from]));
  state.transaction(() => {
    for (const result of body.results) {
      const from = byTarget.get(result.path);
      if (from === undefined) continue;
      const [old, there] = [state.trees.synced.get(from), state.trees.remote.get(from)];
      const tries = sync.failures.countAt(from);
      if ('error' in result && result.error.code === 'stale_version' && tries < STALE_TRIES) {
        sync.failures.fail(from, result.error.code, result.error.message);
        continue;
      }
      if ('error' in result || !old || !there) {
        refuse(from, result.path);
        continue;
      }
      for (const tree of ['remote', 'synced'] as const) state.remove(tree, from);
      const { moved_from: _, ...content } = there;
      state.set('remote', result.path, { ...content, version: result.version });
      const identity = state.trees.local.get(result.path)?.identity ?? old.identity;
      const version = same(old, there) ? result.version : old.version;
      state.set('synced', result.path, { ...old, version, identity });
      const done = {
        path: result.path,
        version: result.version,
        at: Date.now(),
        ...sync.notices.noticedAt(result.path),
      };
      sync.report({ event: 'renamed', side: 'remote', from, ...done });
      sync.failures.succeed(from);
      sync.failures.succeed(result.path);
    }
    advanceCursor(sync, body.results);
  });
}
