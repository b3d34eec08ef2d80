import { ancestors } from '../../protocol/path.ts';
import { type Operation, pathOf } from '../plan/operation.ts';
import type { Content, Trees } from '../plan/tree.ts';

/**
 * Leaves out deletions of content that is on its way, or is about to be, and of the directories around it: what moved
 * under another name is there before its old name goes, and takes from it what it can.
 *
 * @param operations a plan, what is inside a directory deleted before it
 * @param moving what is on its way already
 */
export function putOffDeletions(
  operations: readonly Operation[],
  { local, remote }: Trees,
  moving: Iterable<Content>,
): Operation[] {
  const deletions = new Set(operations.filter(isDeletion));
  if (deletions.size === 0) return [...operations];
  const hashes = new Set<string>();
  const note = (entry: Content | undefined): void => {
    for (const { hash } of entry?.blocks ?? []) hashes.add(hash);
  };
  for (const entry of moving) note(entry);
  for (const operation of operations) {
    if (operation.do === 'upload') note(local.get(operation.path));
    if (operation.do === 'download') note(remote.get(operation.path));
  }
  const late = new Set<string>();
  for (const deletion of deletions) {
    const path = pathOf(deletion);
    const entry = (deletion.do === 'deleteLocal' ? local : remote).get(path);
    if (!late.has(path) && !entry?.blocks.some(({ hash }) => hashes.has(hash))) continue;
    for (const at of [path, ...ancestors(path)]) late.add(at);
  }
  return operations.filter((operation) => !deletions.has(operation) || !late.has(pathOf(operation)));
}

function isDeletion(operation: Operation): boolean {
  return (operation.do === 'deleteLocal' || operation.do === 'deleteRemote') && !operation.makesRoom;
}
