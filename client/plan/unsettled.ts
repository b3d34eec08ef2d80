/** Renames of which half was seen. */

import { ancestors, isWithinAny } from '../../protocol/path.ts';
import { type Operation, pathOf } from './operation.ts';
import type { Trees } from './tree.ts';

/**
 * Leaves to a later plan what has to do with paths that may only have been renamed: deletions of them and of the
 * directories around them, what would come back or arrive there, and all that is in a directory of which not everything
 * was seen under its new name. What was agreed on of them is still to be found under the new name.
 */
export function putOffUnsettled(
  { local, synced }: Trees,
  byPath: Map<string, Operation>,
  unsettled: (path: string) => boolean,
): void {
  const halfSeen = new Set<string>();
  for (const [key, operation] of [...byPath]) {
    const path = pathOf(operation);
    const above = ancestors(path);
    const arrives = operation.do === 'download' || operation.do === 'moveLocal';
    if (arrives && [path, ...above].some(unsettled)) byPath.delete(key);
    if (!unsettled(path)) continue;
    if (operation.do === 'forget') byPath.delete(key);
    if (operation.do === 'deleteRemote') {
      for (const each of [path, ...above]) if (byPath.get(each)?.do === 'deleteRemote') byPath.delete(each);
    }
    for (const each of above) if (!local.has(each) && synced.has(each)) halfSeen.add(synced.get(each)!.identity);
  }
  if (halfSeen.size === 0) return;
  const waiting = new Set<string>();
  for (const operation of byPath.values()) {
    const path = pathOf(operation);
    const here = synced.has(path) ? undefined : local.get(path);
    if (here && halfSeen.has(here.identity)) waiting.add(path);
  }
  for (const [key, operation] of [...byPath]) {
    if (isWithinAny(pathOf(operation), waiting)) byPath.delete(key);
  }
}
