import type { ItemError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { ancestors } from '../../../protocol/path.ts';
import { excerpt, itemError, Refusal, staleVersion } from '../answers/errors.ts';
import type { Namespace } from '../database/rows.ts';
import { findObstacles, type Kind, type Target } from '../tables/files.ts';

const beyondCall = itemError(
  'limit_exceeded',
  `the paths of this call lie in more than ${limits.directoriesPerCall} directories: send this one in the next call`,
);

/** Refuses a call whose items take, by their paths, more bytes than event and answer have room for. */
export function demandShortPaths(bytes: readonly number[]): void {
  if (bytes.reduce((sum, each) => sum + each, 0) <= limits.pathBytesPerCall) return;
  throw new Refusal('limit_exceeded', `the paths take more than ${limits.pathBytesPerCall} bytes: send fewer at once`);
}

/** By position: what of a call lies in more directories than one commit has the time to mark. The others go on. */
export function directoryRefusals(items: readonly (readonly string[])[]): Map<number, ItemError> {
  const refused = new Map<number, ItemError>();
  const marked = new Set<string>();
  for (const [position, paths] of items.entries()) {
    const more = new Set(paths.flatMap(ancestors).filter((directory) => !marked.has(directory)));
    if (marked.size + more.size > limits.directoriesPerCall) refused.set(position, beyondCall);
    else for (const directory of more) marked.add(directory);
  }
  return refused;
}

/**
 * Which of the new paths cannot be: a file lies where one of them needs a directory, or a new file would lie where
 * others have their directory. `leaving` are live paths that this call takes away. A new file that cannot be is in
 * nobody's way.
 */
export async function pathConflicts(
  namespace: Namespace,
  items: readonly { path: string; kind: Kind }[],
  leaving: readonly string[] = [],
): Promise<Map<string, ItemError>> {
  const gone = new Set(leaving);
  const above = [...new Set(items.flatMap(({ path }) => ancestors(path)))].filter((path) => !gone.has(path));
  const newFiles = items.filter(({ kind }) => kind !== 'directory').map(({ path }) => path);
  const found = await findObstacles(namespace, { places: newFiles, above, except: leaving });
  const parents = new Set(found.parents);
  const arriving = newFiles.filter((path) => !parents.has(path));
  const files = new Set([...found.files, ...arriving]);

  const conflicts = new Map<string, ItemError>();
  for (const { path, kind } of items) {
    const file = ancestors(path).find((ancestor) => files.has(ancestor));
    if (file !== undefined) {
      conflicts.set(path, itemError('path_conflict', `'${excerpt(file)}' is a file: move or delete it first`));
    } else if (kind !== 'directory' && parents.has(path)) {
      conflicts.set(path, itemError('path_conflict', 'this path is a directory with content: choose another name'));
    }
  }
  return conflicts;
}

/** Why a path cannot take a new version: it has changed, it holds the other kind, or the tree around it forbids it. */
export function refusal(
  { path, kind, baseVersion }: { path: string; kind: Kind; baseVersion: number },
  target: Target,
  conflicts: ReadonlyMap<string, ItemError>,
): ItemError | undefined {
  const current = target.version ?? 0;
  if (baseVersion !== current) return staleVersion(current);
  if (target.kind !== null && target.kind !== kind) {
    return itemError('path_conflict', `there is a ${target.kind} at this path: delete or move it first`);
  }
  return conflicts.get(path);
}
