import { limits } from '../../protocol/limits.ts';
import { ancestors } from '../../protocol/path.ts';
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
    groups.set(topmost, [...(groups.get(topmost) ?? []), move]);
  }
  const blocksOf = (group: readonly Step<'moveRemote'>[]): number =>
    group.reduce((sum, { from }) => sum + (remote.get(from)?.blocks.length ?? 0), 0);
  let batch: Step<'moveRemote'>[] = [];
  let blocks = 0;
  for (const group of groups.values()) {
    const full = batch.length + group.length > limits.filesPerCall || blocks + blocksOf(group) > limits.blocksPerCall;
    if (batch.length > 0 && full) {
      yield batch;
      [batch, blocks] = [[], 0];
    }
    batch.push(...group);
    blocks += blocksOf(group);
  }
  if (batch.length > 0) yield batch;
}

/** Cuts steps into calls: by files, by blocks, and by bytes, where one large file may be a call of its own. */
export function* batches<Item extends Operation>(sync: Sync, steps: readonly Item[]): Generator<Item[]> {
  let batch: Item[] = [];
  let [bytes, blocks] = [0, 0];
  for (const step of steps) {
    const path = pathOf(step);
    const tree = step.do === 'download' ? sync.state.trees.remote : sync.state.trees.local;
    const entry = tree.get(path);
    const [size, count] = [entry?.size ?? 0, entry?.blocks.length ?? 0];
    const full =
      batch.length === limits.filesPerCall || bytes + size > BATCH_BYTES || blocks + count > limits.blocksPerCall;
    if (batch.length > 0 && full) {
      yield batch;
      batch = [];
      [bytes, blocks] = [0, 0];
    }
    batch.push(step);
    bytes += size;
    blocks += count;
  }
  if (batch.length > 0) yield batch;
}
