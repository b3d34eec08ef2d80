import type { BigIntStats } from 'node:fs';
import pLimit from 'p-limit';
import type { Hashed } from '../disk/hash-file.ts';
import type { ReadsBeside } from '../disk/scan-options.ts';
import { hintOf } from '../disk/stamps.ts';
import type { Signals } from './signals.ts';

/** What was read is looked at once it is so many bytes, and this part of all that was looked at before. */
const PORTION_BYTES = 64 * 1024 * 1024;
const PORTION_PART = 0.25;

interface Reading {
  readonly bytes: number;
  /** How it ended, until a look takes it. */
  outcome?: PromiseSettledResult<Hashed | undefined>;
}

/**
 * Files that are read beside the looks, because that takes long: one after the other, while all else goes on. Of what was
 * read there is another look, at few files first, so that they travel while the next are read.
 */
export class Readings implements ReadsBeside {
  readonly #later: Signals['later'];
  readonly #byPath = new Map<string, Reading>();
  readonly #turn = pLimit(1);
  readonly #read: string[] = [];
  #bytesRead = 0;
  #bytesTold = 0;

  constructor(later: Signals['later']) {
    this.#later = later;
  }

  get areGoingOn(): boolean {
    return this.#byPath.size > 0;
  }

  has(path: string): boolean {
    return this.#byPath.has(path);
  }

  /** Whether a file of so many bytes is being read, which may be one that is missing elsewhere. */
  hasOfSize(bytes: number): boolean {
    return this.#byPath.values().some((reading) => reading.bytes === bytes);
  }

  read(
    path: string,
    stats: BigIntStats,
    read: () => Promise<Hashed | undefined>,
  ): Promise<Hashed | undefined> | undefined {
    const known = this.#byPath.get(path);
    if (!known) this.#begin(path, Number(stats.size), read);
    if (!known?.outcome) return undefined;
    this.#byPath.delete(path);
    const { outcome } = known;
    if (outcome.status === 'rejected') return Promise.reject(outcome.reason);
    const isThere = outcome.value && hintOf(outcome.value.stats) === hintOf(stats);
    return Promise.resolve(isThere ? outcome.value : undefined);
  }

  /** After a look: what it did not find being read, in its scope, is of no use any more. */
  note(inScope: (path: string) => boolean, beingRead: ReadonlySet<string>): void {
    for (const path of [...this.#byPath.keys()].filter(inScope)) if (!beingRead.has(path)) this.#byPath.delete(path);
  }

  /** Begins no more; resolves once nothing is read any more. */
  async close(): Promise<void> {
    this.#byPath.clear();
    await this.#turn(() => undefined);
  }

  #begin(path: string, bytes: number, read: () => Promise<Hashed | undefined>): void {
    const reading: Reading = { bytes };
    this.#byPath.set(path, reading);
    void this.#turn(async () => {
      if (this.#byPath.get(path) !== reading) return;
      [reading.outcome] = await Promise.allSettled([read()]);
      this.#read.push(path);
      this.#bytesRead += bytes;
      this.#tell();
    });
  }

  #tell(): void {
    const isLast = this.#turn.pendingCount === 0;
    if (!isLast && this.#bytesRead < Math.max(PORTION_BYTES, PORTION_PART * this.#bytesTold)) return;
    this.#bytesTold = isLast ? 0 : this.#bytesTold + this.#bytesRead;
    this.#bytesRead = 0;
    for (const path of this.#read.splice(0)) this.#later(path, 0);
  }
}
