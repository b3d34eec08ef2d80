import { type Ignores, loadIgnores } from './ignore.ts';
import { trackProgress } from './progress.ts';
import { hintIndex, isNeverSynced, scan } from './scan.ts';
import type { Sync } from './sync.ts';
import { ancestors, isDirectory, isInside } from './tree.ts';
import { Twins } from './twins.ts';
import type { Watch } from './watch.ts';

/** First wait before a file that is being written is read again, and the longest. */
const UNSTABLE_FIRST_MS = 300;
const UNSTABLE_MOST_MS = 10_000;
/** Looks after which a file that never rests is listed: some ten seconds. */
const RESTLESS_LOOKS = 6;

/** Keeps the local tree as the disk is. */
export class Lookout {
  readonly #sync: Sync;
  readonly #watch: Watch;
  readonly #later: (path: string, milliseconds: number) => void;
  readonly #skipped = new Map<string, string>();
  readonly #unstable = new Map<string, number>();
  readonly #twins: Twins;
  #ignores: Ignores | undefined;

  /** @param later asks for another look at a path after a while */
  constructor(sync: Sync, watch: Watch, later: (path: string, milliseconds: number) => void) {
    this.#sync = sync;
    this.#watch = watch;
    this.#later = later;
    this.#twins = new Twins(sync.state);
  }

  /** Reads the ignore rules; the next look has to be at everything, and so does the next plan. */
  async readIgnores(): Promise<void> {
    this.#ignores = await loadIgnores(this.#sync.root);
    const { local, remote, synced } = this.#sync.state.trees;
    for (const tree of [local, remote, synced]) for (const path of tree.keys()) this.#sync.dirty.add(path);
    this.#sync.unseen.add('');
  }

  /** Whether a path is left out of plans: ignored, or here and of a kind that cannot be synced, or inside such. */
  blocked(path: string): boolean {
    if (this.#ignores?.(path, isDirectory(this.#sync.state.trees, path))) return true;
    return this.#isSkipped(path);
  }

  /** What is here and cannot be synced, though it is of a kind that could be: unreadable, badly named, never at rest. */
  get leftOut(): number {
    const skipped = [...this.#skipped.values()].filter((reason) => !isNeverSynced(reason)).length;
    return skipped + [...this.#unstable.values()].filter((looks) => looks >= RESTLESS_LOOKS).length;
  }

  /** Whether a file is being written that will soon rest, or turn out not to. */
  get waitsForRest(): boolean {
    return [...this.#unstable.values()].some((looks) => looks < RESTLESS_LOOKS);
  }

  /** Looks at everything in `sync.unseen`. */
  async look({ first = false } = {}): Promise<void> {
    const { unseen } = this.#sync;
    const paths = [...unseen].filter(
      (path) => path === '' || (!unseen.has('') && !ancestors(path).some((above) => unseen.has(above))),
    );
    unseen.clear();
    const byHint = hintIndex(this.#sync.state.trees.local);
    const more = new Set<string>();
    for (const path of paths) for (const other of await this.#lookAt(path, first, byHint)) more.add(other);
    for (const path of this.#twins.withRoom()) more.add(path);
    for (const path of more) await this.#lookAt(path, first, byHint);
  }

  /** Answers the paths under whose spelling the disk has what was asked for. */
  async #lookAt(path: string, first: boolean, byHint: ReturnType<typeof hintIndex>): Promise<string[]> {
    const { state, report, root, dirty, pool, apart } = this.#sync;
    const whole = path === '';
    const inScope = (candidate: string): boolean => candidate === path || isInside(candidate, path);
    const before = this.#knownBelow(path);
    const result = await scan(path, {
      root,
      folderId: state.folderId,
      apart,
      suspects: [...before, ...[...this.#skipped.keys()].filter(inScope)],
      ignores: this.#ignores!,
      pool,
      known: state.trees.local,
      onDirectory: (directory) => this.#watch.directory(directory),
      onProgress: (files) => report({ event: 'scan', files, done: false }),
      onReading: (file, bytes) => trackProgress(report, file, bytes, 'reading'),
      removeTemporary: first,
      byHint,
    });
    if (whole && first) report({ event: 'scan', files: result.entries, done: true });

    for (const twin of result.twins) {
      const reason = this.#twins.judge(twin);
      if (reason !== undefined) result.skipped.set(twin.path, reason);
    }
    for (const skipped of [...this.#skipped.keys()].filter(inScope)) {
      if (result.skipped.has(skipped)) continue;
      state.clearProblem(skipped);
      this.#skipped.delete(skipped);
      dirty.add(skipped);
    }
    for (const [skipped, reason] of result.skipped) {
      if (this.#skipped.get(skipped) === reason) continue;
      state.setProblem(skipped, reason);
      this.#skipped.set(skipped, reason);
      report({ event: 'error', code: 'not_synced', message: reason, path: skipped });
    }
    state.transaction(() => {
      for (const [found, entry] of result.found) {
        state.set('local', found, entry);
        dirty.add(found);
      }
      for (const known of before) {
        if (result.seen.has(known) || this.#isSkipped(known)) continue;
        if (state.trees.local.get(known)?.kind === 'directory') this.#watch.forget(known);
        state.remove('local', known);
        dirty.add(known);
      }
    });
    for (const unstable of [...this.#unstable.keys()].filter(inScope)) {
      if (!result.unstable.has(unstable)) this.#rest(unstable);
    }
    for (const unstable of result.unstable) this.#waitFor(unstable);
    return result.twins
      .filter((twin) => path === twin.path || isInside(path, twin.path))
      .map((twin) => twin.spelled + path.slice(twin.path.length));
  }

  /** A new path is known only from `found`; a known one at or below `path` may be gone. */
  #knownBelow(path: string): string[] {
    const { local } = this.#sync.state.trees;
    const entry = local.get(path);
    if (entry?.kind === 'file' || (!entry && path !== '')) return entry ? [path] : [];
    return [...local.keys()].filter((candidate) => candidate === path || isInside(candidate, path));
  }

  #isSkipped(path: string): boolean {
    return this.#skipped.size > 0 && [path, ...ancestors(path)].some((above) => this.#skipped.has(above));
  }

  #waitFor(path: string): void {
    const looks = (this.#unstable.get(path) ?? 0) + 1;
    this.#unstable.set(path, looks);
    if (looks === RESTLESS_LOOKS) {
      const message = 'it is written all the time; it follows once it rests';
      this.#sync.state.setProblem(path, message);
      this.#sync.report({ event: 'error', code: 'not_synced', message, path });
    }
    this.#later(path, Math.min(UNSTABLE_MOST_MS, UNSTABLE_FIRST_MS * 2 ** (looks - 1)));
  }

  #rest(path: string): void {
    const looks = this.#unstable.get(path)!;
    this.#unstable.delete(path);
    if (looks >= RESTLESS_LOOKS) this.#sync.state.clearProblem(path);
  }
}
