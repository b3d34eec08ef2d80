import { isLeaf, type Trees } from '../plan/tree.ts';

/** So many paths are planned at a time where nothing was ever agreed on at any of them. */
export const PORTION = 20_000;

/** Files that are to move, and their bytes. */
export interface Load {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Paths at which nothing was ever agreed on, and to which no plan has come yet: of a first sync all but a portion. They
 * are what is on its way later; an operation and a transfer for each of a million would take a gigabyte.
 */
export class Newcomers {
  readonly #trees: Pick<Trees, 'local' | 'remote' | 'synced'>;
  readonly #paths = new Set<string>();
  #load: Load = { files: 0, bytes: 0 };

  constructor(trees: Pick<Trees, 'local' | 'remote' | 'synced'>) {
    this.#trees = trees;
  }

  get size(): number {
    return this.#paths.size;
  }

  /** What is to move of them. */
  get load(): Load {
    return this.#load;
  }

  /** Takes all but a portion out of `dirty`, if these are very many and newcomers all: none is the other end of a rename. */
  takeFrom(dirty: Set<string>): void {
    if (dirty.size <= 2 * PORTION || dirty.values().some((path) => this.#trees.synced.has(path))) return;
    for (const path of dirty.values().drop(PORTION)) {
      this.#paths.add(path);
      dirty.delete(path);
      this.#count(path, 1);
    }
  }

  /** The next of them, a portion at most, which are none from then on. */
  next(): string[] {
    const next = [...this.#paths.values().take(PORTION)];
    for (const path of next) this.delete(path);
    return next;
  }

  /** Something has happened at this path. */
  delete(path: string): void {
    if (this.#paths.delete(path)) this.#count(path, -1);
  }

  #count(path: string, times: 1 | -1): void {
    const entry = this.#trees.local.get(path) ?? this.#trees.remote.get(path);
    if (!isLeaf(entry)) return;
    const files = this.#load.files + times;
    this.#load = { files, bytes: files === 0 ? 0 : Math.max(0, this.#load.bytes + times * entry.size) };
  }
}
