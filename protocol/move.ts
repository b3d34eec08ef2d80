import * as z from 'zod';
import { limits } from './limits.ts';
import { Version } from './numbers.ts';
import { Path } from './path.ts';
import { Timeline } from './timeline.ts';
import { Uuid } from './uuid.ts';

const encoder = new TextEncoder();

/** What the paths of a rename take of `limits.movePathBytes`. */
export function movePathBytes({ from, to }: { readonly from: string; readonly to: string }): number {
  return encoder.encode(JSON.stringify(JSON.stringify([from, to]))).length;
}

/**
 * POST /move: renames files and directories without touching a block; the version goes up by one and the history
 * follows. The items of one call commit together in the order given (a directory's entries in one call, each listed),
 * and their paths take `limits.movePathBytes` at most.
 * Answers `CommitResponse` with `path` = `to`.
 */
export const MoveRequest = z.strictObject({
  request_id: Uuid,
  device_id: Uuid,
  timeline: Timeline,
  moves: z
    .array(z.strictObject({ from: Path, to: Path, base_version: Version }))
    .min(1)
    .max(limits.movesPerCall),
});
export type MoveRequest = z.infer<typeof MoveRequest>;
