import type { LocalEntry, SyncedEntry } from './tree.ts';

/** Finds entries by their identity. The index is built on first use. */
export function identityIndex(synced: ReadonlyMap<string, SyncedEntry>): (identity: string) => SyncedEntry | undefined {
  let index: Map<string, SyncedEntry> | undefined;
  return (identity) => {
    index ??= new Map([...synced.values()].map((entry) => [entry.identity, entry]));
    return index.get(identity);
  };
}

/** Finds entries by their hint. The index is built on first use. */
export function hintIndex(known: ReadonlyMap<string, LocalEntry>): (hint: string) => LocalEntry | undefined {
  let index: Map<string, LocalEntry> | undefined;
  return (hint) => {
    index ??= new Map([...known.values()].filter((entry) => entry.hint !== '').map((entry) => [entry.hint, entry]));
    return index.get(hint);
  };
}
