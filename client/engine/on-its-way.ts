import type { Content, Trees } from '../plan/tree.ts';
import type { FetchedFile } from '../steps/fetch-files.ts';
import { type Load, SMALL_BYTES } from '../steps/newcomers.ts';
import type { Transfer } from './transfer.ts';

/** The transfers that are wanted, one a path. What has arrived is found without a look at all of them. */
export class OnItsWay {
  readonly #byPath = new Map<string, Transfer>();
  /** What lies beside its place. */
  readonly #fetched = new Map<Transfer, FetchedFile>();
  #load: Load = { files: 0, bytes: 0 };
  #smallFiles = 0;

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

  *entries(trees: Trees): Generator<Content> {
    for (const transfer of this.#byPath.values()) {
      const entry = transfer.entry(trees);
      if (entry) yield entry;
    }
  }

  get load(): Load {
    return this.#load;
  }

  get smallFiles(): number {
    return this.#smallFiles;
  }

  at(path: string): Transfer | undefined {
    return this.#byPath.get(path);
  }

  /** Whether a transfer was not given up. */
  has(transfer: Transfer): boolean {
    return this.#byPath.get(transfer.step.path) === transfer;
  }

  add(transfer: Transfer): void {
    const { path } = transfer.step;
    this.#count(this.#byPath.get(path), -1);
    this.#byPath.set(path, transfer);
    this.#count(transfer, 1);
  }

  /** The file lies beside its place. */
  arrived(transfer: Transfer, file: FetchedFile): void {
    transfer.fetched = file;
    if (this.has(transfer)) this.#fetched.set(transfer, file);
  }

  /** False when it was given up before. */
  forget(transfer: Transfer): boolean {
    this.#fetched.delete(transfer);
    if (!this.has(transfer)) return false;
    this.#count(transfer, -1);
    return this.#byPath.delete(transfer.step.path);
  }

  #count(transfer: Transfer | undefined, times: 1 | -1): void {
    if (!transfer?.isLeaf) return;
    if (transfer.bytes <= SMALL_BYTES) this.#smallFiles += times;
    const { files, bytes } = this.#load;
    this.#load = { files: files + times, bytes: bytes + times * transfer.bytes };
  }
}
