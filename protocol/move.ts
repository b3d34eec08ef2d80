import * as z from 'zod';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { Version } from './numbers.ts';
import { Path, quotedBytes } from './path.ts';
import { Timeline } from './timeline.ts';
import { Uuid } from './uuid.ts';

/** What a rename takes of `limits.pathBytesPerCall`. */
export function movePathBytes({ from, to }: { readonly from: string; readonly to: string }): number {
  return quotedBytes([from, to]);
}

/**
 * POST /move: renames files and directories without touching a block; the version goes up by one and the history
 * follows. The items of one call commit together in the order given (a directory's entries in one call, each listed),
 * and their paths take `limits.pathBytesPerCall` at most.
 * Answers `CommitResponse` with `path` = `to`.
 *
 * With `tree_hash` an item is a directory with all that is in it, alone in its call: it moves when its recursive hash is
 * this one, see `treeHash`, and nothing is at or below the new path. Everything gets one version number, and a change of
 * its own, in the order of the UTF-8 bytes of the paths; the answer is that of the directory, with their number.
 */
export const MoveRequest = z.strictObject({
  request_id: Uuid,
  device_id: Uuid,
  timeline: Timeline,
  moves: z
    .array(z.strictObject({ from: Path, to: Path, base_version: Version, tree_hash: Hash.optional() }))
    .min(1)
    .max(limits.movesPerCall),
});
export type MoveRequest = z.infer<typeof MoveRequest>;
