import { limits } from '../../protocol/limits.ts';
import { movePathBytes } from '../../protocol/move.ts';
import { ancestors } from '../../protocol/path.ts';
import { batched } from '../common/batched.ts';
import { type Operation, pathOf, type Step } from '../plan/operation.ts';
import type { Sync } from './context.ts';

/** Bytes after which an upload or download call ends, so that new changes get their turn and small files appear early. */
const BATCH_BYTES = 64 * 1024 * 1024;

/** Cuts moves into calls so that those out of one directory that moves itself go together with it. */
export function* moveBatches(sync: Sync, moves: readonly Step<'moveRemote'>[]): Generator<Step<'moveRemote'>[]> {
  const { remote } = sync.state.trees;
  const directories = new Set(moves.map(({ from }) => from).filter((from) => remote.get(from)?.kind === 'directory'));
  const groups = new Map<string, Step<'moveRemote'>[]>();
  for (const move of moves) {
    const topmost = [move.from, ...ancestors(move.from)].findLast((path) => directories.has(path)) ?? move.from;
    const group = groups.get(topmost);
    if (group) group.push(move);
    else groups.set(topmost, [move]);
  }
  const blocksOf = (group: readonly Step<'moveRemote'>[]): number =>
    group.reduce((sum, { from }) => sum + (remote.get(from)?.blocks.length ?? 0), 0);
  const calls = batched(
    groups.values(),
    { most: limits.movesPerCall, of: (group) => group.length },
    { most: limits.blocksPerCall, of: blocksOf },
    { most: limits.movePathBytes, of: (group) => group.reduce((sum, move) => sum + movePathBytes(move), 0) },
  );
  for (const call of calls) yield call.flat();
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
