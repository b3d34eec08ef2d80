import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Step } from '../plan/operation.ts';
import { ServiceError } from '../service/errors.ts';
import type { MovedItem } from '../state/intent.ts';
import { type CommitContext, commit } from './commit.ts';
import type { Sync } from './context.ts';
import { removeEmptied } from './directories.ts';
import { isFinal } from './refusals.ts';

type DeleteStep = Step<'deleteRemote'>;
type MoveStep = Step<'moveRemote'>;

/** Times that a rename is tried on what another device made of the file just before. */
const STALE_TRIES = 3;
/** Refusals of a rename that may go once the changes are read. */
const onNews: readonly ErrorCode[] = ['stale_version', 'other_timeline'];

/** Deletes at the service what was deleted here, in one call, and on both sides directories that nobody needs any more. */
export async function deleteRemote(
  sync: CommitContext & Pick<Sync, 'root'>,
  steps: readonly DeleteStep[],
): Promise<void> {
  const files = steps.map(({ path, base_version }) => ({ path, base_version }));
  try {
    for (const { path } of steps)
      if (sync.state.trees.remote.get(path)?.kind === 'directory') await removeEmptied(sync, path);
    const refused = await commit(sync, { call: 'remove', id: randomUUID(), device_id: sync.device.id, files });
    for (const { path, error } of refused) sync.failures.fail(path, error.code, error.message);
  } catch (error) {
    sync.failures.failEach(
      files.map(({ path }) => path),
      error,
    );
  }
}

/**
 * Renames at the service what was renamed here, in one commit. A rename that the service refuses travels as a new file
 * and a deletion from then on; one of a file that another device just changed is tried again on what that made of it.
 */
export async function moveRemote(
  sync: CommitContext & Pick<Sync, 'unmovable'>,
  steps: readonly MoveStep[],
): Promise<void> {
  const { local, synced } = sync.state.trees;
  const moves = steps.map(({ from, to, base_version }) => {
    const identity = local.get(to)?.identity ?? synced.get(from)?.identity ?? '';
    return { from, to, base_version, identity };
  });
  const byTarget = new Map(moves.map((move) => [move.to, move]));
  try {
    const refused = await commit(sync, { call: 'move', id: randomUUID(), device_id: sync.device.id, moves });
    for (const { path, error } of refused) {
      const move = byTarget.get(path);
      if (!move) continue;
      const isTried = onNews.includes(error.code) && sync.failures.countAt(move.from) < STALE_TRIES;
      if (isTried) sync.failures.fail(move.from, error.code, error.message);
      else refuse(sync, move);
    }
  } catch (error) {
    if (error instanceof ServiceError && isFinal(error.code)) for (const move of moves) refuse(sync, move);
    else {
      sync.failures.failEach(
        moves.flatMap(({ from, to }) => [from, to]),
        error,
      );
    }
  }
}

function refuse({ unmovable, notices }: Pick<Sync, 'unmovable' | 'notices'>, { from, to }: MovedItem): void {
  for (const path of [from, to]) {
    unmovable.add(path);
    notices.replan(path);
  }
  notices.readChanges();
}
