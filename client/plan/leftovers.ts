/** Directories that are here only for what is in them. */

import { ancestors } from '../../protocol/path.ts';
import type { Operation } from './operation.ts';
import { pathsWithinAny, same, type Trees } from './tree.ts';

/** A directory that was here only for what is not synced comes to the service with what is. */
export function bringBackLeftovers(
  { local, remote, synced }: Trees,
  byPath: Map<string, Operation>,
  paths: Iterable<string>,
): void {
  const unknown = (path: string): boolean =>
    local.get(path)?.leftover === true && !synced.has(path) && !remote.has(path) && !byPath.has(path);
  const bringBack = (path: string): void => {
    byPath.set(path, { do: 'upload', path, base_version: 0 });
  };
  for (const operation of [...byPath.values()]) {
    if (operation.do !== 'upload') continue;
    for (const above of ancestors(operation.path)) if (unknown(above)) bringBack(above);
  }
  const left = [...new Set([...paths].flatMap((path) => [path, ...ancestors(path)]))].filter(unknown);
  if (left.length === 0) return;
  const needed = directoriesOf(pathsWithinAny(remote, new Set(left)));
  for (const path of left) if (needed.has(path)) bringBack(path);
}

/** A directory that is here only for what is in it goes with the last of that; a later plan deletes it at the service. */
export function removeEmptied(
  { local, remote, synced }: Trees,
  byPath: Map<string, Operation>,
  paths: Iterable<string>,
): void {
  const candidates = new Set<string>();
  const leaving = { local: new Set<string>(), remote: new Set<string>() };
  const [staying, coming]: [string[], string[]] = [[], []];
  for (const operation of byPath.values()) {
    const from = 'from' in operation ? operation.from : operation.path;
    for (const above of ancestors(from)) if (local.get(above)?.leftover) candidates.add(above);
    if (operation.do === 'moveLocal' || operation.do === 'deleteLocal') leaving.local.add(from);
    else if (operation.do === 'moveRemote' || operation.do === 'deleteRemote') leaving.remote.add(from);
    else if (operation.do !== 'forget') staying.push(from);
    if ('to' in operation) coming.push(operation.to);
  }
  for (const path of paths) if (local.get(path)?.leftover && remote.has(path)) candidates.add(path);
  if (candidates.size === 0) return;
  const goesAlong = inMovedFolder(byPath);
  const stays = (path: string): boolean => !candidates.has(path) && !goesAlong(path);
  const busy = directoriesOf([...coming, ...staying.filter(stays)]);
  const doubtful = new Set([...candidates].filter((path) => !busy.has(path)));
  if (doubtful.size === 0) return;
  const held = directoriesOf([
    ...pathsWithinAny(local, doubtful).filter((path) => !leaving.local.has(path) && stays(path)),
    ...pathsWithinAny(remote, doubtful).filter((path) => !leaving.remote.has(path) && !candidates.has(path)),
  ]);
  for (const path of doubtful) {
    if (held.has(path) || (byPath.has(path) && byPath.get(path)!.do !== 'upload')) continue;
    if (!remote.has(path) || same(remote.get(path), synced.get(path))) byPath.set(path, { do: 'deleteLocal', path });
  }
}

/** Tells what a directory that another device renamed takes along on this disk. */
export function inMovedFolder(byPath: ReadonlyMap<string, Operation>): (path: string) => boolean {
  const moved = new Set([...byPath.values()].flatMap((each) => (each.do === 'moveLocal' ? [each.from] : [])));
  return (path) => moved.size > 0 && ancestors(path).some((above) => moved.has(above));
}

/** All directories above the paths. */
export function directoriesOf(paths: Iterable<string>): Set<string> {
  const result = new Set<string>();
  for (const path of paths) {
    for (const directory of ancestors(path)) {
      if (result.has(directory)) break;
      result.add(directory);
    }
  }
  return result;
}
