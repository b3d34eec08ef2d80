/* Why something cannot be moved. */

import type { ItemError } from '../../protocol/errors.ts';
import { excerpt, itemError } from '../shared/answers/errors.ts';

export const changedMeanwhile = itemError('unavailable', 'the file changed while it was being moved: try again');

export const leftBehind = itemError(
  'stale_version',
  'the directory holds what this call does not move, or not as it is now: read the changes, and move all of it',
);

export const toItself = itemError('bad_request', 'the path is to be moved to itself');

export const intoItself = itemError('path_conflict', 'a directory cannot be moved into itself');

export function isTaken(path: string): ItemError {
  return itemError('path_conflict', `'${excerpt(path)}' is taken: choose another name, or delete it first`);
}

export function isFile(path: string): ItemError {
  return itemError('path_conflict', `'${excerpt(path)}' is a file: move or delete it first`);
}
