import { deletePathBytes } from '../../protocol/delete.ts';
import { limits } from '../../protocol/limits.ts';
import { movePathBytes } from '../../protocol/move.ts';
import { ancestors, isInside, isWithin } from '../../protocol/path.ts';
import { batched } from '../common/batched.ts';
import { fitOneCall } from '../plan/moves.ts';
import { type Operation, pathOf, type Step } from '../plan/operation.ts';
import type { Trees } from '../plan/tree.ts';
import type { Sync } from './context.ts';
import { folderMove, WHOLE_FROM } from './whole-folder.ts';

/** Bytes after which an upload or download call ends, so that new changes get their turn and small files appear early. */
const BATCH_BYTES = 64 * 1024 * 1024;

type Move = Step<'moveRemote'>;

/** Moves by what they go with: those out of a directory that moves itself are one group with it. */
export function moveGroups(remote: Trees['remote'], moves: readonly Move[]): Move[][] {
  const directories = new Set(moves.map(({ from }) => from).filter((from) => remote.get(from)?.kind === 'directory'));
  const topmost = ({ from }: Move): string =>
    [from, ...ancestors(from)].findLast((path) => directories.has(path)) ?? from;
  return [...Map.groupBy(moves, topmost).values()];
}

/**
 * Cuts moves into calls so that each group goes together; a directory that moves whole, and to where nothing else goes,
 * is a call of its own.
 */
export function* moveBatches(sync: Sync, moves: readonly Move[]): Generator<Move[]> {
  const { remote } = sync.state.trees;
  const groups = moveGroups(remote, moves);
  const isCall = (group: readonly Move[]): boolean => {
    if (group.length < WHOLE_FROM && groups.length > 1) return false;
    const folder = folderMove(remote, group);
    if (!folder) return false;
    if (!fitOneCall(group, remote)) return true;
    const meets = ({ from, to }: Move): boolean => isWithin(from, folder.to) || isWithin(to, folder.to);
    return moves.filter(meets).length === group.length;
  };
  let together: Move[][] = [];
  for (const group of groups) {
    if (isCall(group)) {
      yield* calls(remote, together);
      together = [];
      yield group;
    } else {
      together.push(group);
    }
  }
  yield* calls(remote, together);
}

function* calls(remote: Trees['remote'], groups: readonly Move[][]): Generator<Move[]> {
  const blocksOf = (group: readonly Move[]): number =>
    group.reduce((sum, { from }) => sum + (remote.get(from)?.blocks.length ?? 0), 0);
  const cut = batched(
    groups,
    { most: limits.movesPerCall, of: (group) => group.length },
    { most: limits.blocksPerCall, of: blocksOf },
    { most: limits.pathBytesPerCall, of: (group) => group.reduce((sum, move) => sum + movePathBytes(move), 0) },
  );
  for (const call of cut) yield call.flat();
}

/** Cuts deletions, sorted by path, into calls: by files, by their paths, and by the directories that the service marks. */
export function deleteBatches(steps: readonly Step<'deleteRemote'>[]): Generator<Step<'deleteRemote'>[]> {
  const more = new Map<Step<'deleteRemote'>, number>();
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1]?.path ?? '';
    more.set(step, ancestors(step.path).filter((directory) => !isInside(before, directory)).length);
  }
  return batched(
    steps,
    { most: limits.deletesPerCall },
    { most: limits.pathBytesPerCall, of: deletePathBytes },
    // The first of a call brings all that is above it.
    { most: limits.directoriesPerCall - limits.pathSegments, of: (step) => more.get(step)! },
  );
}

/** Cuts steps into calls: by files, by blocks, and by bytes, where one large file may be a call of its own. */
export function batches<Item extends Operation>(sync: Sync, steps: readonly Item[]): Generator<Item[]> {
  const entryOf = (step: Item) => {
    const tree = step.do === 'download' ? sync.state.trees.remote : sync.state.trees.local;
    return tree.get(pathOf(step));
  };
  return batched(
    steps,
    { most: limits.filesPerCall },
    { most: BATCH_BYTES, of: (step) => entryOf(step)?.size ?? 0 },
    { most: limits.blocksPerCall, of: (step) => entryOf(step)?.blocks.length ?? 0 },
  );
}
