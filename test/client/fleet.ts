import { conflictPath } from '../../client/plan/conflict-name.ts';
import { pathsOf } from '../../client/plan/operation.ts';
import { plan } from '../../client/plan/plan.ts';
import type { Content, RemoteEntry } from '../../client/plan/tree.ts';
import { applyChange } from '../../client/steps/catch-up.ts';
import type { Change } from '../../protocol/changes.ts';
import { ancestors, isInside } from '../../protocol/path.ts';
import { directory, file, Model, type RemoteMove } from './model.ts';

/** A change that a user makes in the folder of one device. */
export type Edit =
  | { readonly do: 'write' | 'mkdir' | 'delete'; readonly path: string }
  | { readonly do: 'move'; readonly path: string; readonly to: string };

const NOBODY = '00000000-0000-4000-8000-000000000000';

/** The rules of the service, on maps: compare-and-swap on versions, kinds that do not change, changes in order. */
export class ServiceModel {
  readonly entries = new Map<string, RemoteEntry>();
  readonly changes: Change[] = [];
  /** Every content that was ever committed. */
  readonly history = new Set<string>();
  readonly #lastVersions = new Map<string, number>();

  commit(path: string, content: Content, base: number): number | undefined {
    const current = this.entries.get(path);
    if ((current?.version ?? 0) !== base || (current && current.kind !== content.kind)) return undefined;
    if (!current && !this.#isFree(path, content.kind)) return undefined;
    const { kind, size, mode, mtime_ms, blocks } = content;
    const entry = { kind, size, mode, mtime_ms, blocks, version: this.#nextVersion(path) };
    this.entries.set(path, entry);
    for (const { hash } of blocks) this.history.add(hash);
    this.#note(current ? 'update' : 'create', path, entry);
    return entry.version;
  }

  withdraw(path: string, base: number): boolean {
    const current = this.entries.get(path);
    if (current?.version !== base || this.#hasInside(path)) return false;
    this.entries.delete(path);
    this.#note('delete', path, { ...current, size: 0, blocks: [], version: this.#nextVersion(path) });
    return true;
  }

  /** One commit: those that are refused stay, and so does a directory in which something would, with all of it. */
  renameAll(moves: readonly RemoteMove[]): (RemoteEntry | 'stale' | 'refused')[] {
    const stay = new Set<RemoteMove>();
    for (;;) {
      const before = new Map(this.entries);
      const done = moves.filter((move) => !stay.has(move) && this.#rename(move));
      const emptied = done.filter(
        ({ to, from }) => this.entries.get(to)!.kind === 'directory' && this.#hasInside(from),
      );
      if (emptied.length === 0) {
        return moves.map((move) => {
          if (done.includes(move)) return this.#noteMove(move);
          return stay.has(move) || before.get(move.from)?.version !== move.base_version ? 'stale' : 'refused';
        });
      }
      this.entries.clear();
      for (const [path, entry] of before) this.entries.set(path, entry);
      for (const move of moves) {
        if (emptied.some(({ from }) => move.from === from || isInside(move.from, from))) stay.add(move);
      }
    }
  }

  #rename({ from, to, base_version }: RemoteMove): boolean {
    const current = this.entries.get(from);
    if (current?.version !== base_version || this.entries.has(to)) return false;
    this.entries.delete(from);
    const isFree = this.#isFree(to, current.kind);
    this.entries.set(isFree ? to : from, current);
    return isFree;
  }

  #noteMove({ from, to, base_version }: RemoteMove): RemoteEntry {
    const entry = { ...this.entries.get(to)!, version: this.#nextVersion(to, base_version) };
    this.entries.set(to, entry);
    this.#note('move', to, entry, from);
    return entry;
  }

  #isFree(path: string, kind: Content['kind']): boolean {
    if (ancestors(path).some((above) => this.entries.get(above)?.kind === 'file')) return false;
    return kind === 'directory' || !this.#hasInside(path);
  }

  #hasInside(path: string): boolean {
    return [...this.entries.keys()].some((other) => isInside(other, path));
  }

  #nextVersion(path: string, base = 0): number {
    const version = Math.max(base, this.#lastVersions.get(path) ?? 0) + 1;
    this.#lastVersions.set(path, version);
    return version;
  }

  #note(change_type: Change['change_type'], path: string, entry: RemoteEntry, moved_from?: string): void {
    const { kind, size, mode, mtime_ms, version, blocks } = entry;
    this.changes.push({
      cursor: this.changes.length + 1,
      change_type,
      entry: { path, kind, size, mode, mtime_ms, version, blocks: [...blocks] },
      ...(moved_from === undefined ? {} : { moved_from }),
      device_id: NOBODY,
      timestamp: 0,
    });
  }
}

/** A device of the fleet: a disk that its user changes at any time, and a picture of disk and service that lags behind. */
export class DeviceModel extends Model {
  override readonly disk = new Map<string, NonNullable<ReturnType<Model['local']['get']>>>();
  /** Contents that a step of the client, not the user, took from this disk. */
  readonly taken = new Set<string>();
  readonly #name: string;
  readonly #service: ServiceModel;
  readonly #dirty = new Set<string>();
  readonly #unmovable = new Set<string>();
  #cursor = 0;

  constructor(name: string, service: ServiceModel) {
    super();
    this.#name = name;
    this.#service = service;
  }

  override nextIdentity(): string {
    return `${this.#name} ${super.nextIdentity()}`;
  }

  override commit(path: string, content: Content, base: number): number | undefined {
    return this.#service.commit(path, content, base);
  }

  override withdraw(path: string, base: number): boolean {
    return this.#service.withdraw(path, base);
  }

  override rename(moves: readonly RemoteMove[]): (number | undefined)[] {
    return this.#service.renameAll(moves).map((result, index) => {
      if (typeof result === 'object') return result.version;
      const { from, to } = moves[index]!;
      if (result === 'refused') for (const path of [from, to]) this.#unmovable.add(path);
      return undefined;
    });
  }

  /** Makes the local tree what the disk is. */
  look(): void {
    for (const path of new Set([...this.disk.keys(), ...this.local.keys()])) {
      const [here, known] = [this.disk.get(path), this.local.get(path)];
      if (here === known) continue;
      this.#dirty.add(path);
      if (!here) this.local.delete(path);
      else {
        const seen = known?.leftover && here.kind === 'directory' ? { ...here, leftover: true } : here;
        this.disk.set(path, seen);
        this.local.set(path, seen);
      }
    }
  }

  /** Reads at most `most` of the changes since the cursor. */
  catchUp(most = Number.POSITIVE_INFINITY): void {
    const state = {
      set: (_tree: string, path: string, entry: unknown) => void this.remote.set(path, entry as RemoteEntry),
      remove: (_tree: string, path: string) => void this.remote.delete(path),
    };
    for (const change of this.#service.changes.slice(this.#cursor, this.#cursor + most)) {
      applyChange(state, this, change);
      this.#dirty.add(change.entry.path);
      if (change.moved_from !== undefined) this.#dirty.add(change.moved_from);
      this.#cursor = change.cursor;
    }
  }

  /** Plans as the engine does and carries out the first `most` steps. Returns how many there were. */
  step(most = Number.POSITIVE_INFINITY): number {
    const operations = plan(this, {
      dirty: new Set(this.#dirty),
      unmovable: this.#unmovable,
      conflictPath: (path) =>
        conflictPath(
          path,
          this.#name,
          new Date(2026, 0, 31),
          (candidate) => this.local.has(candidate) || this.remote.has(candidate),
        ),
    });
    this.#dirty.clear();
    for (const operation of operations) for (const path of pathsOf(operation)) this.#dirty.add(path);
    const moves = operations.filter((operation) => operation.do === 'moveRemote');
    for (const operation of operations.slice(0, most)) {
      const before = contentsOf(this.disk);
      if (operation.do === 'moveRemote') {
        // One call, and so never cut off in the middle.
        if (operation === moves[0]) this.moveAll(moves);
        continue;
      }
      if (operation.do === 'setAside') this.#markBelow(operation.path, operation.to);
      this.apply(operation);
      const after = contentsOf(this.disk);
      for (const content of before) if (!after.has(content)) this.taken.add(content);
    }
    return operations.length;
  }

  /** What is below a renamed folder is at other paths, too. */
  #markBelow(path: string, to: string): void {
    for (const at of this.local.keys()) {
      if (at === path || isInside(at, path)) this.#dirty.add(at).add(to + at.slice(path.length));
    }
  }

  /** Carries out what a user does, as far as a file system allows it; answers the contents that it removed. */
  edit(change: Edit, content: string): Set<string> {
    const before = contentsOf(this.disk);
    const { disk } = this;
    const isFree = (path: string): boolean => !ancestors(path).some((above) => disk.get(above)?.kind === 'file');
    const put = (path: string, entry: Content): void => {
      for (const above of ancestors(path)) if (!disk.has(above)) put(above, directory());
      disk.set(path, { ...entry, hint: '', identity: this.disk.get(path)?.identity ?? this.nextIdentity() });
    };
    const inside = (path: string): string[] => [...disk.keys()].filter((at) => at === path || isInside(at, path));
    const old = disk.get(change.path);
    if (change.do === 'write' && old?.kind !== 'directory' && isFree(change.path)) put(change.path, file(content));
    else if (change.do === 'mkdir' && !old && isFree(change.path)) put(change.path, directory());
    else if (change.do === 'delete') for (const path of inside(change.path)) disk.delete(path);
    else if (change.do === 'move' && old && !isInside(change.to, change.path) && isFree(change.to)) {
      // A rename puts a file in the place of a file, as editors save, and nothing in the place of a folder.
      const target = disk.get(change.to);
      if (change.to !== change.path && (!target || (target.kind === 'file' && old.kind === 'file'))) {
        for (const above of ancestors(change.to)) if (!disk.has(above)) put(above, directory());
        for (const path of inside(change.path)) {
          disk.set(change.to + path.slice(change.path.length), disk.get(path)!);
          disk.delete(path);
        }
      }
    }
    const after = contentsOf(disk);
    return new Set([...before].filter((hash) => !after.has(hash)));
  }
}

export function contentsOf(tree: ReadonlyMap<string, Content>): Set<string> {
  return new Set([...tree.values()].flatMap(({ blocks }) => blocks.map(({ hash }) => hash)));
}
