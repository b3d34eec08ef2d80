import { parentOf } from '../../protocol/path.ts';
import { isLeaf, type LocalEntry, type SyncedEntry } from './tree.ts';

/** Finds entries by their identity. The index is built on first use. */
export function identityIndex(synced: ReadonlyMap<string, SyncedEntry>): (identity: string) => SyncedEntry | undefined {
  let index: Map<string, string> | undefined;
  return (identity) => {
    index ??= new Map(synced.entries().map(([path, entry]) => [entry.identity, path]));
    const found = synced.get(index.get(identity) ?? '');
    return found?.identity === identity ? found : undefined;
  };
}

/** Finds the known paths at and below a path. The index is built when the first directory is asked for. */
export function belowIndex(known: ReadonlyMap<string, LocalEntry>): (path: string) => string[] {
  let index: Map<string, string[]> | undefined;
  const build = (): Map<string, string[]> => {
    const inside = new Map<string, string[]>();
    for (const path of known.keys()) {
      const parent = parentOf(path);
      const beside = inside.get(parent);
      if (beside) beside.push(path);
      else inside.set(parent, [path]);
    }
    return inside;
  };
  return (path) => {
    if (path === '') return [...known.keys()];
    if (!known.has(path)) return [];
    const found = [path];
    if (isLeaf(known.get(path))) return found;
    index ??= build();
    for (const at of found) for (const inside of index.get(at) ?? []) if (known.has(inside)) found.push(inside);
    return found;
  };
}

/** Finds entries by their hint. The index is built on first use. */
export function hintIndex(known: ReadonlyMap<string, LocalEntry>): (hint: string) => LocalEntry | undefined {
  let index: Map<string, string> | undefined;
  return (hint) => {
    index ??= new Map(
      known
        .entries()
        .filter(([, entry]) => entry.hint !== '')
        .map(([path, entry]) => [entry.hint, path]),
    );
    const found = known.get(index.get(hint) ?? '');
    return found?.hint === hint ? found : undefined;
  };
}
