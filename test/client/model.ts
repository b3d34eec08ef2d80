import type { Operation } from '../../client/plan/operation.ts';
import {
  type Content,
  isKept,
  isLeaf,
  type LocalEntry,
  mergedMode,
  type RemoteEntry,
  type SyncedEntry,
  same,
  syncedEntry,
  type Trees,
} from '../../client/plan/tree.ts';
import { takeFolderMove } from '../../client/steps/take-over.ts';
import type { Block } from '../../protocol/entry.ts';
import { ancestors, isInside } from '../../protocol/path.ts';

export type RemoteMove = Extract<Operation, { do: 'moveRemote' }>;

/** A disk and a service, both as maps, and what carries out a plan on them without any I/O. */
export class Model implements Trees {
  readonly local = new Map<string, LocalEntry>();
  readonly remote = new Map<string, RemoteEntry>();
  readonly synced = new Map<string, SyncedEntry>();
  /** What the disk holds by now; here every change of it is seen at once. */
  readonly disk: Map<string, LocalEntry> = this.local;
  #version = 0;
  #inode = 0;

  nextVersion(): number {
    return ++this.#version;
  }

  nextIdentity(): string {
    return `inode ${++this.#inode}`;
  }

  /** Commits an entry at the service and answers its version; `undefined` when the service refuses. */
  commit(path: string, _content: Content, base: number): number | undefined {
    if ((this.remote.get(path)?.version ?? 0) !== base) throw new Error('stale');
    return ancestors(path).some((above) => isLeaf(this.remote.get(above))) ? undefined : this.nextVersion();
  }

  /** Deletes an entry at the service; false when that refuses. */
  withdraw(path: string, _base: number): boolean {
    return ![...this.remote.keys()].some((other) => isInside(other, path));
  }

  /** Renames entries at the service in one commit; the new version of each, `undefined` for what the service refuses. */
  rename(moves: readonly RemoteMove[]): (number | undefined)[] {
    return moves.map(() => this.nextVersion());
  }

  /** Carries out moves of one call. */
  moveAll(moves: readonly RemoteMove[]): void {
    const { local, remote, synced } = this;
    const versions = this.rename(moves);
    for (const [index, { from, to }] of moves.entries()) {
      const version = versions[index];
      if (version === undefined) continue;
      const [old, { moved_from, ...there }] = [synced.get(from), remote.get(from)!];
      for (const tree of [remote, synced]) tree.delete(from);
      if (!old) {
        remote.set(to, { ...there, version, ...(moved_from !== undefined && { moved_from }) });
        continue;
      }
      remote.set(to, { ...there, version });
      const identity = local.get(to)?.identity ?? old.identity;
      synced.set(to, { ...old, version: same(old, there) ? version : old.version, identity });
    }
  }

  /** Carries out one step as the executors do: a step whose ground has changed does nothing. */
  apply(operation: Operation): void {
    const { local, remote, synced, disk } = this;
    switch (operation.do) {
      case 'adopt': {
        const { path } = operation;
        const known = local.get(path)!;
        const { leftover, ...entry } = known;
        if (leftover && !synced.has(path)) {
          if (disk.get(path) === known) disk.set(path, entry);
          local.set(path, entry);
        }
        synced.set(path, syncedEntry(remote.get(path)!, entry));
        return;
      }
      case 'forget':
        synced.delete(operation.path);
        return;
      case 'upload':
        this.#upload(operation.path, operation.base_version);
        return;
      case 'deleteRemote':
        if (remote.get(operation.path)?.kind === 'directory') this.#removeEmpty(operation.path);
        if (!this.withdraw(operation.path, operation.base_version)) return;
        remote.delete(operation.path);
        synced.delete(operation.path);
        return;
      case 'moveRemote':
        this.moveAll([operation]);
        return;
      case 'moveLocal':
        this.#moveLocal(operation.from, operation.to);
        return;
      case 'setAside':
        this.#setAside(operation.path, operation.to);
        return;
      case 'setMode': {
        const { path, mode } = operation;
        const entry = local.get(path);
        if (entry && disk.get(path) === entry) this.#put(path, { ...entry, mode });
        return;
      }
      case 'download':
        this.#download(operation.path);
        return;
      case 'deleteLocal':
        this.#deleteLocal(operation.path);
    }
  }

  #upload(path: string, base: number): void {
    const { local, remote, synced, disk } = this;
    const entry = local.get(path);
    if (!entry || disk.get(path) !== entry) return;
    const { kind, size, mode, mtime_ms, blocks } = entry;
    const version = this.commit(path, entry, base);
    if (version === undefined) return;
    const uploaded = { kind, size, mode, mtime_ms, blocks, version };
    if (base === 0 && isKept(entry, synced.get(path))) this.#put(path, { ...entry, leftover: true });
    remote.set(path, uploaded);
    synced.set(path, syncedEntry(uploaded, entry));
  }

  #moveLocal(from: string, to: string): void {
    const { local, remote, synced, disk } = this;
    const [entry, base, there] = [local.get(from), synced.get(from), remote.get(to)];
    if (entry?.kind === 'directory') {
      if (disk.get(from)?.identity === entry.identity && !disk.has(to) && this.#makeParents(to))
        this.moveFolder(from, to);
      return;
    }
    if (!entry || disk.get(from) !== entry || disk.has(to) || !this.#makeParents(to)) return;
    for (const tree of new Set([disk, local])) tree.delete(from);
    this.#put(to, entry);
    if (!there && remote.has(from)) return;
    synced.delete(from);
    if (base && there) synced.set(to, { ...base, version: same(base, there) ? there.version : base.version });
  }

  /** Renames a directory with all that is in it; answers the paths to plan. */
  moveFolder(from: string, to: string): string[] {
    const { disk } = this;
    const writer = {
      set: (tree: 'local' | 'remote' | 'synced', path: string, entry: unknown) =>
        void this[tree].set(path, entry as never),
      remove: (tree: 'local' | 'remote' | 'synced', path: string) => void this[tree].delete(path),
    };
    if (disk !== this.local) {
      for (const [path, entry] of [...disk].filter(([path]) => path === from || isInside(path, from))) {
        disk.delete(path);
        disk.set(to + path.slice(from.length), entry);
      }
    }
    return takeFolderMove(writer, this, from, to);
  }

  #download(path: string): void {
    const { local, remote, synced, disk } = this;
    const there = remote.get(path);
    const here = disk.get(path);
    if (here && there && here.kind !== there.kind && disk === local) {
      throw new Error(`a ${there.kind} is downloaded over a ${here.kind}`);
    }
    if (!there || (here && here.kind !== there.kind) || !this.#makeParents(path)) return;
    if (isLeaf(there) && here !== local.get(path)) return;
    const { kind, size, mtime_ms, blocks } = there;
    const known = local.get(path);
    const mode = known?.kind === kind ? mergedMode(known, there, synced.get(path)) : there.mode;
    const identity = here && same(here, { ...there, mode: here.mode }) ? here.identity : this.nextIdentity();
    const leftover = !known && isKept(there, synced.get(path));
    const entry = { kind, size, mode, mtime_ms, blocks, identity, hint: '', ...(leftover && { leftover }) };
    this.#put(path, entry);
    synced.set(path, syncedEntry(there, entry));
  }

  #deleteLocal(path: string): void {
    const { local, remote, synced, disk } = this;
    const entry = local.get(path);
    if (!entry || (!synced.has(path) && isLeaf(entry)) || disk.get(path) !== entry) return;
    if ([...local].some(([other, { leftover }]) => (!leftover || synced.has(other)) && isInside(other, path))) return;
    const isThere = entry.kind === 'directory' && remote.get(path)?.kind === 'directory';
    const isHeld = [...disk.keys()].some((other) => isInside(other, path));
    if (isHeld) this.#put(path, { ...entry, leftover: !isThere });
    else for (const tree of [disk, local]) tree.delete(path);
    if (!isThere) synced.delete(path);
  }

  /** A directory that is to be deleted there and is still here goes, unless something is in it by now. */
  #removeEmpty(path: string): void {
    const { local, disk } = this;
    if (local.get(path)?.kind !== 'directory' || [...disk.keys()].some((other) => isInside(other, path))) return;
    for (const tree of new Set([disk, local])) tree.delete(path);
  }

  #setAside(path: string, to: string): void {
    const { local, disk } = this;
    const entry = local.get(path);
    const here = disk.get(path);
    if (!entry || disk.has(to) || here?.kind !== entry.kind || (isLeaf(entry) && here !== entry)) return;
    this.synced.delete(path);
    for (const tree of new Set([disk, local])) {
      for (const [inside, below] of [...tree].filter(([other]) => other === path || isInside(other, path))) {
        tree.delete(inside);
        tree.set(to + inside.slice(path.length), below);
      }
    }
  }

  #put(path: string, entry: LocalEntry): void {
    for (const tree of new Set([this.disk, this.local])) tree.set(path, entry);
  }

  /** False when a file is in the way, or a directory was there that the user has renamed or deleted since. */
  #makeParents(path: string): boolean {
    const above = ancestors(path).reverse();
    if (above.some((parent) => isLeaf(this.disk.get(parent)))) return false;
    if (above.some((parent) => this.local.get(parent)?.kind === 'directory' && !this.disk.has(parent))) return false;
    for (const parent of above) {
      const made = { ...directory(), identity: this.nextIdentity(), hint: '', leftover: true };
      if (!this.disk.has(parent)) this.#put(parent, made);
    }
    return true;
  }
}

export function directory(mode = 0o755) {
  return { kind: 'directory' as const, size: 0, mode, mtime_ms: 0, blocks: [] };
}

/** A file whose content is one block named by a word. */
export function file(content: string, mode = 0o644) {
  const blocks: Block[] = content === '' ? [] : [{ hash: content.padEnd(64, '0'), size: content.length }];
  return { kind: 'file' as const, size: content.length, mode, mtime_ms: 0, blocks };
}

/** A symbolic link likewise. */
export function link(target: string) {
  return { ...file(target, 0o777), kind: 'link' as const };
}
