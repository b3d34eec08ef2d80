import type { Content, LocalEntry, RemoteEntry, SyncedEntry } from '../plan/tree.ts';
import { type AtPath, isUnited } from './entry-row.ts';
import { pack, unpack } from './packed-row.ts';

/** What is held of a path: a packed entry that serves all trees, or the entry of each. It is never changed, but replaced. */
export type Held = string | AtPath;

/** The three trees in memory: maps that can be read, of one row a path. */
export class HeldTrees {
  readonly #rows = new Map<string, Held>();
  readonly local = new Tree<LocalEntry>(this.#rows, 'local');
  readonly remote = new Tree<RemoteEntry>(this.#rows, 'remote');
  readonly synced = new Tree<SyncedEntry>(this.#rows, 'synced');

  at(path: string): Held | undefined {
    return this.#rows.get(path);
  }

  /** @param here as `united` gives it, or as it was before, or `undefined` for nothing */
  hold(path: string, here: Held | undefined): void {
    const row = typeof here === 'object' && isUnited(here) ? (pack(here.local) ?? here) : here;
    const before = this.#rows.get(path);
    if (row === undefined || isNothing(row)) this.#rows.delete(path);
    else this.#rows.set(path, row);
    for (const tree of [this.local, this.remote, this.synced]) tree.changed(before, row);
  }

  /** What each tree has at a path. */
  entriesAt(path: string): AtPath {
    return { local: this.local.get(path), remote: this.remote.get(path), synced: this.synced.get(path) };
  }
}

/** One of the trees. */
class Tree<Entry extends Content> implements ReadonlyMap<string, Entry> {
  readonly #rows: ReadonlyMap<string, Held>;
  readonly #name: keyof AtPath;
  #size = 0;

  constructor(rows: ReadonlyMap<string, Held>, name: keyof AtPath) {
    this.#rows = rows;
    this.#name = name;
  }

  get size(): number {
    return this.#size;
  }

  /** A row was replaced by another one. */
  changed(before: Held | undefined, now: Held | undefined): void {
    this.#size += Number(this.#isIn(now)) - Number(this.#isIn(before));
  }

  has(path: string): boolean {
    return this.#isIn(this.#rows.get(path));
  }

  get(path: string): Entry | undefined {
    return this.#entryOf(this.#rows.get(path));
  }

  *keys(): Generator<string, undefined> {
    for (const [path, row] of this.#rows) if (this.#isIn(row)) yield path;
  }

  *values(): Generator<Entry, undefined> {
    for (const [, entry] of this) yield entry;
  }

  *entries(): Generator<[string, Entry], undefined> {
    for (const [path, row] of this.#rows) {
      const entry = this.#entryOf(row);
      if (entry) yield [path, entry];
    }
  }

  [Symbol.iterator](): Generator<[string, Entry], undefined> {
    return this.entries();
  }

  forEach(take: (entry: Entry, path: string, tree: ReadonlyMap<string, Entry>) => void): void {
    for (const [path, entry] of this) take(entry, path, this);
  }

  #isIn(row: Held | undefined): boolean {
    return typeof row === 'string' || row?.[this.#name] !== undefined;
  }

  #entryOf(row: Held | undefined): Entry | undefined {
    return (typeof row === 'string' ? unpacked(row) : row?.[this.#name]) as Entry | undefined;
  }
}

/** The row that was unpacked last: of one path all trees are asked, one after the other. */
let last = { row: '', entry: undefined as ReturnType<typeof unpack> | undefined };

function unpacked(row: string): ReturnType<typeof unpack> {
  if (row !== last.row || !last.entry) last = { row, entry: unpack(row) };
  return last.entry!;
}

function isNothing(row: Held): boolean {
  return typeof row === 'object' && !row.local && !row.remote && !row.synced;
}
