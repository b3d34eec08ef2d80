import type { Operation } from '../../client/operation.ts';
import {
  ancestors,
  type Content,
  isInside,
  type LocalEntry,
  type RemoteEntry,
  type SyncedEntry,
  same,
  syncedEntry,
  type Trees,
} from '../../client/tree.ts';
import type { Block } from '../../protocol/entry.ts';

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
    return ancestors(path).some((above) => this.remote.get(above)?.kind === 'file') ? undefined : this.nextVersion();
  }

  /** Deletes an entry at the service; false when that refuses. */
  withdraw(path: string, _base: number): boolean {
    return ![...this.remote.keys()].some((other) => isInside(other, path));
  }

  /** Renames an entry at the service and answers its new version; `undefined` when the service refuses. */
  rename(_from: string, _to: string, _base: number): number | undefined {
    return this.nextVersion();
  }

  /** Carries out one step as the executors do: a step whose ground has changed does nothing. */
  apply(operation: Operation): void {
    const { local, remote, synced, disk } = this;
    switch (operation.do) {
      case 'adopt':
        synced.set(operation.path, syncedEntry(remote.get(operation.path)!, local.get(operation.path)!));
        return;
      case 'forget':
        synced.delete(operation.path);
        return;
      case 'upload': {
        const entry = local.get(operation.path);
        if (!entry || disk.get(operation.path) !== entry) return;
        const { kind, size, mode, mtime_ms, blocks } = entry;
        const version = this.commit(operation.path, entry, operation.base_version);
        if (version === undefined) return;
        const uploaded = { kind, size, mode, mtime_ms, blocks, version };
        remote.set(operation.path, uploaded);
        synced.set(operation.path, syncedEntry(uploaded, entry));
        return;
      }
      case 'deleteRemote':
        if (!this.withdraw(operation.path, operation.base_version)) return;
        remote.delete(operation.path);
        synced.delete(operation.path);
        return;
      case 'moveRemote': {
        const { identity, ...content } = synced.get(operation.from)!;
        const version = this.rename(operation.from, operation.to, operation.base_version);
        if (version === undefined) return;
        const moved = { ...content, version };
        for (const tree of [remote, synced]) tree.delete(operation.from);
        remote.set(operation.to, moved);
        synced.set(operation.to, { ...moved, identity: local.get(operation.to)?.identity ?? identity });
        return;
      }
      case 'moveLocal': {
        const { from, to } = operation;
        const [entry, base, there] = [local.get(from), synced.get(from), remote.get(to)];
        if (!entry || !base || !there || disk.get(from) !== entry || disk.has(to) || !this.#makeParents(to)) return;
        for (const tree of new Set([disk, local, synced])) tree.delete(from);
        this.#put(to, entry);
        synced.set(to, { ...base, version: same(base, there) ? there.version : base.version });
        return;
      }
      case 'setAside':
        this.#setAside(operation.path, operation.to);
        return;
      case 'download': {
        const { path } = operation;
        const there = remote.get(path);
        const here = disk.get(path);
        if (here && there && here.kind !== there.kind && disk === local) {
          throw new Error(`a ${there.kind} is downloaded over a ${here.kind}`);
        }
        if (!there || (here && here.kind !== there.kind) || !this.#makeParents(path)) return;
        if (there.kind === 'file' && here !== local.get(path)) return;
        const { kind, size, mode, mtime_ms, blocks } = there;
        const identity = here && same(here, { ...there, mode: here.mode }) ? here.identity : this.nextIdentity();
        const entry = { kind, size, mode, mtime_ms, blocks, identity, hint: '' };
        this.#put(path, entry);
        synced.set(path, syncedEntry(there, entry));
        return;
      }
      case 'deleteLocal': {
        const { path } = operation;
        const entry = local.get(path);
        if (!entry || !synced.has(path) || disk.get(path) !== entry) return;
        if ([...local.keys()].some((other) => isInside(other, path))) return;
        if ([...disk.keys()].some((other) => isInside(other, path))) this.#put(path, { ...entry, leftover: true });
        else for (const tree of [disk, local]) tree.delete(path);
        synced.delete(path);
      }
    }
  }

  #setAside(path: string, to: string): void {
    const { local, disk } = this;
    const entry = local.get(path);
    const here = disk.get(path);
    if (!entry || disk.has(to) || here?.kind !== entry.kind || (entry.kind === 'file' && here !== entry)) return;
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

  /** False when a file is in the way. */
  #makeParents(path: string): boolean {
    const above = ancestors(path).reverse();
    if (above.some((parent) => this.disk.get(parent)?.kind === 'file')) return false;
    for (const parent of above) {
      if (!this.disk.has(parent)) this.disk.set(parent, { ...directory(), identity: this.nextIdentity(), hint: '' });
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
