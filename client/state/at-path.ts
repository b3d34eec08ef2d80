import { type Content, type LocalEntry, type RemoteEntry, type SyncedEntry, same } from '../plan/tree.ts';

/** What the trees have at a path. */
export interface AtPath {
  local?: LocalEntry | undefined;
  remote?: RemoteEntry | undefined;
  synced?: SyncedEntry | undefined;
}

/** An entry that serves all trees. */
export type United = LocalEntry & RemoteEntry & SyncedEntry;

/** What is held of a path: a packed entry of one tree or of all, or the entry of each. It is never changed, but replaced. */
export type Held = string | AtPath;

/** Whether one entry serves all trees. */
export function isUnited(here: AtPath): here is { readonly [Tree in keyof AtPath]-?: United } {
  const { local, remote, synced }: { readonly [Tree in keyof AtPath]: Content | undefined } = here;
  return local !== undefined && local === remote && local === synced;
}

/** The entries of a path, as one that serves all three trees where nothing is left to do, as at most paths. */
export function united(here: AtPath): AtPath {
  const { local, remote, synced } = here;
  if (!local || !remote || !synced) return here;
  if (local.leftover || synced.lapsed || remote.moved_from !== undefined) return here;
  const isOne =
    same(local, remote) &&
    same(local, synced) &&
    local.mtime_ms === remote.mtime_ms &&
    local.mtime_ms === synced.mtime_ms &&
    local.identity === synced.identity &&
    remote.version === synced.version;
  if (!isOne) return here;
  const { kind, size, mode, mtime_ms, blocks, identity, hint } = local;
  const all: United = { kind, size, mode, mtime_ms, blocks, identity, hint, version: remote.version };
  return { local: all, remote: all, synced: all };
}
