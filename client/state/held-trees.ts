import type { Content, LocalEntry, RemoteEntry, SyncedEntry, Tree } from '../plan/tree.ts';
import { type AtPath, type Held, isUnited } from './at-path.ts';
import { hashIn, isOf, isOfAll, unpack } from './packed-row.ts';

/** Finds the paths at and below a path that any of the trees has. */
type Within = (path: string) => Iterable<string>;

/** The three trees in memory: maps that can be read, of one row a path. */
export class HeldTrees {
  readonly #rows = new Map<string, Held>();
  /** Of rows that are not packed. */
  readonly #loose = new Set<string>();
  readonly local: HeldTree<LocalEntry>;
  readonly remote: HeldTree<RemoteEntry>;
  readonly synced: HeldTree<SyncedEntry>;

  /** @param within otherwise than by looking at all of them */
  constructor(within?: Within) {
    const finds = { within, notable: this.#loose };
    this.local = new HeldTree<LocalEntry>(this.#rows, 'local', finds);
    this.remote = new HeldTree<RemoteEntry>(this.#rows, 'remote', finds);
    this.synced = new HeldTree<SyncedEntry>(this.#rows, 'synced', finds);
  }

  at(path: string): Held | undefined {
    return this.#rows.get(path);
  }

  /** @param here as `pack` gives it, or what is to be packed soon, or `undefined` for nothing */
  hold(path: string, here: Held | undefined): void {
    const before = this.#rows.get(path);
    const isLoose = typeof here === 'object' && !isNothing(here);
    if (isLoose) this.#loose.add(path);
    else this.#loose.delete(path);
    if (isLoose || typeof here === 'string') this.#rows.set(path, here);
    else this.#rows.delete(path);
    for (const tree of [this.local, this.remote, this.synced]) tree.changed(before, here);
  }

  /** The paths at which not one entry serves all trees. */
  *differing(): Generator<string, undefined> {
    for (const [path, row] of this.#rows) if (!(typeof row === 'string' ? isOfAll(row) : isUnited(row))) yield path;
  }

  /** What each tree has at a path. */
  entriesAt(path: string): AtPath {
    const row = this.#rows.get(path);
    return { ...(typeof row === 'string' ? unpacked(row) : row) };
  }
}

/** One of the trees. */
class HeldTree<Entry extends Content> implements Tree<Entry> {
  readonly #rows: ReadonlyMap<string, Held>;
  readonly #name: keyof AtPath;
  readonly pathsWithin: Tree<Entry>['pathsWithin'];
  readonly notable: ReadonlySet<string>;
  #size = 0;

  constructor(
    rows: ReadonlyMap<string, Held>,
    name: keyof AtPath,
    { within, notable }: { readonly within: Within | undefined; readonly notable: ReadonlySet<string> },
  ) {
    this.#rows = rows;
    this.#name = name;
    this.notable = notable;
    this.pathsWithin = within && ((path) => [...within(path)].filter((at) => this.has(at)));
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

  *pathsWithBlocks(hashes: Pick<ReadonlySet<string>, 'has'>): Generator<string, undefined> {
    for (const [path, row] of this.#rows) if (typeof row !== 'string' || hashes.has(hashIn(row))) yield path;
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

function isNothing({ local, remote, synced }: AtPath): boolean {
  return !local && !remote && !synced;
}
