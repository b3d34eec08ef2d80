import { lstat } from 'node:fs/promises';
import { diskPath } from '../disk/paths.ts';
import type { ScanResult } from '../disk/scan-result.ts';
import { type LocalEntry, same } from '../plan/tree.ts';
import type { Sync } from '../steps/context.ts';
import { FrequentSaves } from './frequent-saves.ts';
import type { Signals } from './signals.ts';

/** First wait before a file that is being written is read again, and the longest. */
const UNSTABLE_FIRST_MS = 300;
const UNSTABLE_MOST_MS = 10_000;
/** Looks after which a file that never rests is listed: some ten seconds. */
const RESTLESS_LOOKS = 6;
/** New content waits at least this long for the content before that is on its way. */
const OVERTAKING_MS = 500;

interface RestlessOptions {
  readonly sync: Pick<Sync, 'root' | 'state' | 'report' | 'failures' | 'snapshots'>;
  readonly later: Signals['later'];
  /** Whether content of this path is being sent. */
  readonly isOnItsWay: (path: string) => boolean;
  readonly frequent?: FrequentSaves | undefined;
}

/** Files that are written while they are read, while they are sent, or again and again. */
export class RestlessFiles {
  readonly #options: RestlessOptions;
  readonly #frequent: FrequentSaves;
  /** Could not be read whole: how often in a row. */
  readonly #unstable = new Map<string, number>();
  /** Have new content that is taken later. */
  readonly #postponed = new Set<string>();
  /** Were written again before what was taken of them was sent. */
  readonly #overtaken = new Set<string>();

  constructor(options: RestlessOptions) {
    this.#options = options;
    this.#frequent = options.frequent ?? new FrequentSaves();
  }

  /** Files that never rest long enough to be read. */
  get leftOut(): number {
    return [...this.#unstable.values()].filter((looks) => looks >= RESTLESS_LOOKS).length;
  }

  /** Whether more will be known soon of some file. */
  get areWaitedFor(): boolean {
    return this.#postponed.size > 0 || [...this.#unstable.values()].some((looks) => looks < RESTLESS_LOOKS);
  }

  /** Before a look: gives up what is known of files that are at rest again. */
  async review(): Promise<void> {
    const { sync } = this.#options;
    const { local, synced } = sync.state.trees;
    for (const path of this.#overtaken) if (!this.#frequent.has(path)) this.#overtaken.delete(path);
    for (const path of sync.snapshots.paths) {
      if (!local.has(path) || same(local.get(path), synced.get(path))) await sync.snapshots.drop(path);
    }
  }

  /**
   * Whether new content of a known file is left for later: it is saved all the time, or what was taken of it last is on
   * its way. What was taken without a copy, and is not sent yet, is no longer there, and does not wait.
   * @param isAsked whether it is looked at by itself: a look around the file takes it along, unless it is on its way
   */
  postpones(path: string, isAsked: boolean): boolean {
    const { sync, isOnItsWay } = this.#options;
    const { local, synced } = sync.state.trees;
    const hasCopy = sync.snapshots.placeOf(path) !== undefined;
    if (hasCopy && isOnItsWay(path)) return true;
    const isTaken = hasCopy || same(local.get(path), synced.get(path));
    return isAsked && isTaken && this.#frequent.waitFor(path) > 0;
  }

  /** Where to copy a file before it is read; `undefined` for one that is not overtaken, or too large. */
  async copyTo(path: string): Promise<string | undefined> {
    const { sync } = this.#options;
    await sync.snapshots.drop(path);
    if (!this.#isOvertaken(path)) return undefined;
    const stats = await lstat(diskPath(sync.root, path)).catch(() => undefined);
    return stats && sync.snapshots.reserve(path, stats.size);
  }

  /** New content of a known file was taken. */
  took(path: string, before: LocalEntry, entry: LocalEntry): void {
    if (this.#isOvertaken(path)) this.#overtaken.add(path);
    this.#frequent.note(path, before.blocks, entry.blocks);
  }

  /** After a look: what was found in its scope unstable, or postponed. What is being read may be unstable still. */
  note(
    inScope: (path: string) => boolean,
    { unstable, beingRead, postponed }: Pick<ScanResult, 'unstable' | 'beingRead' | 'postponed'>,
  ): void {
    for (const at of [...this.#unstable.keys()].filter(inScope)) {
      if (!unstable.has(at) && !beingRead.has(at)) this.#rest(at);
    }
    for (const at of unstable) this.#waitFor(at);
    for (const at of [...this.#postponed].filter(inScope)) if (!postponed.has(at)) this.#postponed.delete(at);
    for (const at of postponed) {
      this.#postponed.add(at);
      this.#options.later(at, this.#frequent.waitFor(at) || OVERTAKING_MS);
    }
  }

  #isOvertaken(path: string): boolean {
    const { sync, isOnItsWay } = this.#options;
    return this.#overtaken.has(path) || isOnItsWay(path) || sync.failures.countAt(path) > 0;
  }

  #waitFor(path: string): void {
    const { sync, later } = this.#options;
    const looks = (this.#unstable.get(path) ?? 0) + 1;
    this.#unstable.set(path, looks);
    if (looks === RESTLESS_LOOKS) {
      const message = 'it is written all the time; it follows once it rests';
      sync.state.setProblem(path, message);
      sync.report({ event: 'error', code: 'not_synced', message, path });
    }
    later(path, Math.min(UNSTABLE_MOST_MS, UNSTABLE_FIRST_MS * 2 ** (looks - 1)));
  }

  #rest(path: string): void {
    const looks = this.#unstable.get(path)!;
    this.#unstable.delete(path);
    if (looks >= RESTLESS_LOOKS) this.#options.sync.state.clearProblem(path);
  }
}
