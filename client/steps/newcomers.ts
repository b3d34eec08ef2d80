import { ignoreFile } from '../disk/ignore.ts';
import { isLeaf, type Tree, type Trees } from '../plan/tree.ts';

/** So many of very many newcomers are planned at a time. */
export const PORTION = 20_000;

/** Larger files are none, and travel in other lanes: a note waits for no photograph. */
export const SMALL_BYTES = 1024 * 1024;

/** Files that are to move, and their bytes. */
export interface Load {
  readonly files: number;
  readonly bytes: number;
}

const NOTHING: Load = { files: 0, bytes: 0 };

/**
 * The small files of a first sync to which no plan has come yet, where they are very many: all but a portion. An
 * operation and a transfer for each of a million would take a gigabyte.
 */
export class Newcomers {
  readonly #trees: Trees;
  readonly #paths = new Set<string>();
  #load = NOTHING;
  #isTaken = false;

  constructor(trees: Trees) {
    this.#trees = trees;
  }

  get size(): number {
    return this.#paths.size;
  }

  /** What is to move of them. */
  get load(): Load {
    return this.#load;
  }

  /**
   * Takes most of very many small files out of `dirty`, once, where nothing was agreed on yet and one side has nothing,
   * but for the rules: then none of them is the other end of a rename, another's twin, or a conflict.
   * @param blocked paths that are not synced
   */
  takeFrom(dirty: Set<string>, blocked: (path: string) => boolean): void {
    const { local, remote, synced } = this.#trees;
    const isFirst = isEmpty(synced) && (isEmpty(local) || isEmpty(remote));
    if (this.#isTaken || !isFirst || dirty.size <= 2 * PORTION) return;
    this.#isTaken = true;
    let [left, files, bytes] = [PORTION, 0, 0];
    for (const path of dirty) {
      const entry = local.get(path) ?? remote.get(path);
      if (!isLeaf(entry) || entry.size > SMALL_BYTES || blocked(path) || left-- > 0) continue;
      this.#paths.add(path);
      dirty.delete(path);
      [files, bytes] = [files + 1, bytes + entry.size];
    }
    this.#load = { files, bytes };
  }

  /** The next of them, `most` unless there are fewer, which are none from then on. */
  next(most: number): string[] {
    const { local, remote } = this.#trees;
    const next = [...this.#paths.values().take(most)];
    let { files, bytes } = this.#load;
    for (const path of next) {
      this.#paths.delete(path);
      const entry = local.get(path) ?? remote.get(path);
      [files, bytes] = [files - 1, Math.max(0, bytes - (entry?.size ?? 0))];
    }
    this.#load = this.#paths.size === 0 ? NOTHING : { files, bytes };
    return next;
  }
}

/** Whether there is nothing but the rules, which come before all else. */
function isEmpty(tree: Tree<unknown>): boolean {
  return tree.size === Number(tree.has(ignoreFile));
}
