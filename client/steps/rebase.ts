import { parentOf } from '../../protocol/path.ts';
import { isLeaf, movedEntries, type Trees, within } from '../plan/tree.ts';
import type { State } from '../state/state.ts';

/**
 * Where the user renamed a directory in which another device had renamed or deleted something, what both had agreed on
 * of that lies under the new name from now on: the other device's change is then followed there. Answers the paths that
 * are to be planned.
 *
 * @param dirty paths whose entries may differ
 */
export function rebase(
  state: Pick<State, 'set' | 'remove'>,
  { local, remote, synced }: Trees,
  dirty: Iterable<string>,
): string[] {
  const paths = [...dirty];
  const gone = new Map<string, string>();
  const left: string[] = [];
  for (const path of paths) {
    const base = synced.get(path);
    if (!base || local.has(path)) continue;
    if (base.kind === 'directory' && remote.get(path)?.kind === 'directory') gone.set(base.identity, path);
    const above = parentOf(path);
    if (!remote.has(path) && above !== '' && !synced.has(above)) left.push(path);
  }
  // An earlier call put these under the name that the directory had then, and they were not followed yet.
  const origins = left.length === 0 ? new Set() : new Set(movedEntries(remote).map(([, { moved_from }]) => moved_from));
  for (const path of left) if (origins.has(path)) gone.set(synced.get(path)!.identity, path);
  if (gone.size === 0) return [];
  const made = new Map<string, string>();
  for (const path of paths) {
    const here = local.get(path);
    if (here && !synced.has(path) && !remote.has(path)) made.set(here.identity, path);
  }
  const renames = [...gone].flatMap(([identity, from]) => {
    const to = made.get(identity);
    return to === undefined ? [] : [{ from, to }];
  });
  const places = new Map<string, string>();
  for (const { from, to } of renames) {
    const base = synced.get(from)!;
    for (const [path, { kind }] of isLeaf(base) ? [[from, base] as const] : within(synced, from)) {
      if (remote.has(path) || local.has(path)) continue;
      const now = to + path.slice(from.length);
      if (local.get(now)?.kind !== kind || synced.has(now) || remote.has(now)) continue;
      places.set(path, now);
    }
  }
  if (places.size === 0) return [];
  for (const [path, now] of places) {
    state.set('synced', now, synced.get(path)!);
    state.remove('synced', path);
  }
  const changed = [...places].flat();
  for (const [path, entry] of movedEntries(remote)) {
    const now = places.get(entry.moved_from);
    if (now === undefined) continue;
    state.set('remote', path, { ...entry, moved_from: now });
    changed.push(path);
  }
  return changed;
}
