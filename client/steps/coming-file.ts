import type { Block, Entry } from '../../protocol/entry.ts';
import { bitsSet } from '../../protocol/sent-bits.ts';
import { type RemoteEntry, remoteEntry } from '../plan/tree.ts';
import type { WantedFile } from './lacking.ts';

/** A file that another device is sending: some of its blocks are at the service, and all once its version is there. */
export class ComingFile implements WantedFile {
  readonly path: string;
  /** What it will be; its version, once there is one. */
  remote: RemoteEntry;
  /** The upload that brings it, until there is a version. */
  upload: string | undefined;
  readonly #blocks: readonly Block[];
  /** Numbers of the blocks that can be had, as they came, and their hashes. */
  readonly #order = new Set<number>();
  readonly #there = new Set<string>();
  #news = Promise.withResolvers<void>();

  constructor(upload: string, entry: Entry) {
    this.path = entry.path;
    this.upload = upload;
    this.remote = remoteEntry(entry);
    this.#blocks = entry.blocks;
  }

  /**
   * @param sent a bit for each block, as the sending device tells it
   * @returns the blocks that were not there before
   */
  arrived(sent: string): ReadonlySet<string> {
    return this.#add(bitsSet(sent));
  }

  /** All of it is there: also what was told of too late for its upload to say where it is. */
  committed(remote: RemoteEntry): ReadonlySet<string> {
    this.remote = remote;
    this.upload = undefined;
    this.#add(() => true);
    return this.#there;
  }

  isThere(hash: string): boolean {
    return this.#there.has(hash);
  }

  /** The numbers of all its blocks, each once it can be had; the rest when the signal fires. */
  async *numbers(signal: AbortSignal): AsyncGenerator<number> {
    const left = new Set(this.#blocks.keys());
    while (left.size > 0) {
      const next = [...(signal.aborted ? left : this.#order)].filter((number) => left.delete(number));
      yield* next;
      if (next.length === 0) await this.#newsOr(signal);
    }
  }

  /** Resolves once there is a version of it. Throws the signal's reason. */
  async untilCommitted(signal: AbortSignal): Promise<void> {
    while (this.upload !== undefined && !signal.aborted) await this.#newsOr(signal);
    signal.throwIfAborted();
  }

  #add(isThere: (number: number) => boolean): ReadonlySet<string> {
    const added = new Set<string>();
    for (const [number, { hash }] of this.#blocks.entries()) {
      if (!isThere(number)) continue;
      if (!this.#there.has(hash)) added.add(hash);
      this.#order.add(number);
      this.#there.add(hash);
    }
    this.#news.resolve();
    this.#news = Promise.withResolvers();
    return added;
  }

  async #newsOr(signal: AbortSignal): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const end = (): void => ended.resolve();
    signal.addEventListener('abort', end, { once: true });
    await Promise.race([this.#news.promise, ended.promise]);
    signal.removeEventListener('abort', end);
  }
}
