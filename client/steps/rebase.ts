import { isInside } from '../../protocol/path.ts';
import type { Trees } from '../plan/tree.ts';
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
  const [gone, made] = [new Map<string, string>(), new Map<string, string>()];
  for (const path of dirty) {
    const [here, base] = [local.get(path), synced.get(path)];
    if (base?.kind === 'directory' && !here && remote.get(path)?.kind === 'directory') gone.set(base.identity, path);
    if (here?.kind === 'directory' && !base && !remote.has(path)) made.set(here.identity, path);
  }
  const renames = [...gone].flatMap(([identity, from]) => {
    const to = made.get(identity);
    return to === undefined ? [] : [{ from, to }];
  });
  const places = new Map<string, string>();
  for (const { from, to } of renames) {
    for (const [path, base] of synced) {
      if (remote.has(path) || local.has(path) || !isInside(path, from)) continue;
      const now = to + path.slice(from.length);
      if (local.get(now)?.kind !== base.kind || synced.has(now) || remote.has(now)) continue;
      places.set(path, now);
    }
  }
  if (places.size === 0) return [];
  for (const [path, now] of places) {
    state.set('synced', now, synced.get(path)!);
    state.remove('synced', path);
  }
  const changed = [...places].flat();
  for (const [path, entry] of [...remote]) {
    const now = entry.moved_from === undefined ? undefined : places.get(entry.moved_from);
    if (now === undefined) continue;
    state.set('remote', path, { ...entry, moved_from: now });
    changed.push(path);
  }
  return changed;
}
