import type { Operation } from '../../client/operation.ts';
import {
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
export class Model {
  readonly local = new Map<string, LocalEntry>();
  readonly remote = new Map<string, RemoteEntry>();
  readonly synced = new Map<string, SyncedEntry>();
  #version = 0;
  #inode = 0;

  get trees(): Trees {
    return this;
  }

  nextVersion(): number {
    return ++this.#version;
  }

  nextIdentity(): string {
    return `inode ${++this.#inode}`;
  }

  /** Carries out one step as the executors do: a step whose ground has changed does nothing. */
  apply(operation: Operation): void {
    const { local, remote, synced } = this;
    switch (operation.do) {
      case 'adopt':
        synced.set(operation.path, syncedEntry(remote.get(operation.path)!, local.get(operation.path)!));
        return;
      case 'forget':
        synced.delete(operation.path);
        return;
      case 'upload': {
        const entry = local.get(operation.path)!;
        if ((remote.get(operation.path)?.version ?? 0) !== operation.base_version) throw new Error('stale');
        if (this.#parentIsFile(operation.path)) return;
        const { kind, size, mode, mtime_ms, blocks } = entry;
        const uploaded = { kind, size, mode, mtime_ms, blocks, version: this.nextVersion() };
        remote.set(operation.path, uploaded);
        synced.set(operation.path, syncedEntry(uploaded, entry));
        return;
      }
      case 'deleteRemote':
        if ([...remote.keys()].some((path) => isInside(path, operation.path))) return;
        remote.delete(operation.path);
        synced.delete(operation.path);
        return;
      case 'moveRemote': {
        const { identity: _, ...content } = synced.get(operation.from)!;
        const moved = { ...content, version: this.nextVersion() };
        for (const tree of [remote, synced]) tree.delete(operation.from);
        remote.set(operation.to, moved);
        synced.set(operation.to, syncedEntry(moved, local.get(operation.to)!));
        return;
      }
      case 'moveLocal': {
        const [entry, base] = [local.get(operation.from)!, synced.get(operation.from)!];
        const there = remote.get(operation.to)!;
        for (const tree of [local, synced]) tree.delete(operation.from);
        this.#makeParents(operation.to);
        local.set(operation.to, entry);
        synced.set(operation.to, { ...base, version: same(base, there) ? there.version : base.version });
        return;
      }
      case 'setAside': {
        const entry = local.get(operation.path)!;
        local.delete(operation.path);
        local.set(operation.to, entry);
        for (const [path, below] of [...local].filter(([path]) => isInside(path, operation.path))) {
          local.delete(path);
          local.set(operation.to + path.slice(operation.path.length), below);
        }
        return;
      }
      case 'download': {
        const there = remote.get(operation.path)!;
        const here = local.get(operation.path);
        if (here && here.kind !== there.kind) throw new Error(`a ${there.kind} is downloaded over a ${here.kind}`);
        this.#makeParents(operation.path);
        const { kind, size, mode, mtime_ms, blocks } = there;
        const identity = kind === 'directory' && here ? here.identity : this.nextIdentity();
        const entry = { kind, size, mode, mtime_ms, blocks, identity, hint: '' };
        local.set(operation.path, entry);
        synced.set(operation.path, syncedEntry(there, entry));
        return;
      }
      case 'deleteLocal':
        if ([...local.keys()].some((path) => isInside(path, operation.path))) return;
        local.delete(operation.path);
        synced.delete(operation.path);
    }
  }

  #parentIsFile(path: string): boolean {
    return [...this.remote].some(([above, entry]) => entry.kind === 'file' && isInside(path, above));
  }

  #makeParents(path: string): void {
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
      const parent = path.slice(0, end);
      if (!this.local.has(parent)) this.local.set(parent, { ...directory(), identity: this.nextIdentity(), hint: '' });
    }
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
