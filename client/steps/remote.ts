import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '../../protocol/errors.ts';
import { fitOneCall } from '../plan/moves.ts';
import type { Step } from '../plan/operation.ts';
import { ServiceError } from '../service/errors.ts';
import type { MovedItem } from '../state/intent.ts';
import { type CommitContext, commit } from './commit.ts';
import type { Sync } from './context.ts';
import { removeEmptied } from './directories.ts';
import { isFinal, meaningOf } from './refusals.ts';
import { folderMove, WHOLE_FROM, wholeFolder } from './whole-folder.ts';

type DeleteStep = Step<'deleteRemote'>;
type MoveStep = Step<'moveRemote'>;

/**
 * Times that a rename is tried on what another device made of the file just before: with their waits some minutes, since
 * to give up a folder's rename in the middle of another device's work leaves the folder under two names.
 */
const STALE_TRIES = 8;
/** Times that a directory is tried as a whole, before each of its entries is. */
const FOLDER_TRIES = 2;
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
      if (sync.state.trees.remote.get(path)?.kind === 'directory') removeEmptied(sync, path);
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
 * A directory with all that is in it is one item; where it is refused as such, each of its renames is tried by itself,
 * and where these are too many for a call, the directory is made anew.
 */
export async function moveRemote(
  sync: CommitContext & Pick<Sync, 'unmovable'>,
  steps: readonly MoveStep[],
): Promise<void> {
  const { local, remote, synced } = sync.state.trees;
  const moves = steps.map(({ from, to, base_version }) => {
    const identity = local.get(to)?.identity ?? synced.get(from)?.identity ?? '';
    return { from, to, base_version, identity };
  });
  const byTarget = new Map(moves.map((move) => [move.to, move]));
  const failed = ({ from }: MovedItem): number => sync.failures.countAt(from);
  const isWhole = moves.length >= WHOLE_FROM && moves.every((move) => failed(move) < FOLDER_TRIES);
  const folder = isWhole ? wholeFolder(remote, moves) : undefined;
  const around = folderMove(remote, moves);
  if (around && !folder && !fitOneCall(steps, remote)) {
    refuse(sync, around);
    return;
  }
  try {
    const refused = await commit(sync, { call: 'move', id: randomUUID(), device_id: sync.device.id, moves, folder });
    for (const { path, error } of refused) {
      const move = byTarget.get(path);
      if (!move) continue;
      const mayGo = folder ? meaningOf(error.code) === 'outdated' : onNews.includes(error.code);
      if (mayGo && failed(move) < STALE_TRIES) sync.failures.fail(move.from, error.code, error.message);
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
