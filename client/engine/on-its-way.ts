import { type Content, isLeaf } from '../plan/tree.ts';
import type { FetchedFile } from '../steps/fetch-files.ts';
import type { Transfer } from './transfer.ts';

/** Files that are on their way, and their bytes. */
export interface Load {
  readonly files: number;
  readonly bytes: number;
}

/** The transfers that are wanted, one a path. What has arrived is found without a look at all of them. */
export class OnItsWay {
  readonly #byPath = new Map<string, Transfer>();
  /** What lies beside its place. */
  readonly #fetched = new Map<Transfer, FetchedFile>();

  get size(): number {
    return this.#byPath.size;
  }

  get paths(): string[] {
    return [...this.#byPath.keys()];
  }

  get transfers(): Iterable<Transfer> {
    return this.#byPath.values();
  }

  get fetched(): ReadonlyMap<Transfer, FetchedFile> {
    return this.#fetched;
  }

  *entries(): Generator<Content> {
    for (const { entry } of this.#byPath.values()) yield entry;
  }

  get load(): Load {
    let [files, bytes] = [0, 0];
    for (const entry of this.entries()) {
      if (!isLeaf(entry)) continue;
      files++;
      bytes += entry.size;
    }
    return { files, bytes };
  }

  at(path: string): Transfer | undefined {
    return this.#byPath.get(path);
  }

  /** Whether a transfer was not given up. */
  has(transfer: Transfer): boolean {
    return this.#byPath.get(transfer.step.path) === transfer;
  }

  add(transfer: Transfer): void {
    this.#byPath.set(transfer.step.path, transfer);
  }

  /** The file lies beside its place. */
  arrived(transfer: Transfer, file: FetchedFile): void {
    transfer.fetched = file;
    if (this.has(transfer)) this.#fetched.set(transfer, file);
  }

  /** False when it was given up before. */
  forget(transfer: Transfer): boolean {
    this.#fetched.delete(transfer);
    return this.has(transfer) && this.#byPath.delete(transfer.step.path);
  }
}
