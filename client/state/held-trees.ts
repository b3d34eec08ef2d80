import type { Content, LocalEntry, RemoteEntry, SyncedEntry } from '../plan/tree.ts';
import type { AtPath } from './entry-row.ts';
import { isOf, unpack } from './packed-row.ts';

/** What is held of a path: a packed entry of one tree or of all, or the entry of each. It is never changed, but replaced. */
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

  /** @param here as `pack` gives it, or what is to be packed soon, or `undefined` for nothing */
  hold(path: string, here: Held | undefined): void {
    const before = this.#rows.get(path);
    if (here === undefined || isNothing(here)) this.#rows.delete(path);
    else this.#rows.set(path, here);
    for (const tree of [this.local, this.remote, this.synced]) tree.changed(before, here);
  }

  /** What each tree has at a path. */
  entriesAt(path: string): AtPath {
    const row = this.#rows.get(path);
    return { ...(typeof row === 'string' ? unpacked(row) : row) };
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
    return typeof row === 'string' ? isOf(row, this.#name) : row?.[this.#name] !== undefined;
  }

  #entryOf(row: Held | undefined): Entry | undefined {
    return (typeof row === 'string' ? unpacked(row) : row)?.[this.#name] as Entry | undefined;
  }
}

/** The row that was unpacked last: of one path all trees are asked, one after the other. */
let last = { row: '', here: {} as AtPath };

function unpacked(row: string): AtPath {
  if (row !== last.row) last = { row, here: unpack(row) };
  return last.here;
}

function isNothing(row: Held): boolean {
  return typeof row === 'object' && !row.local && !row.remote && !row.synced;
}
