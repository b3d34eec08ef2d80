import { isWithinAny, nameOf } from '../../protocol/path.ts';
import type { LeftOut } from '../disk/scan-result.ts';
import { pathsWithin, within } from '../plan/tree.ts';
import type { Sync } from '../steps/context.ts';

/** A path may be missing this long, ms, while other changes of the disk are still unseen: one of them may be its new name. */
const HALF_SEEN_MS = 2000;

/** Tells paths that are missing on the disk from paths that were deleted. */
export class Absences {
  readonly #sync: Sync;
  readonly #restless: () => boolean;
  readonly #now: () => number;
  readonly #leftOut = new Map<string, LeftOut>();
  /** Renamed to a name that is not synced, by the old path; what was inside a directory goes with it. */
  readonly #held = new Set<string>();
  /** When a path was found missing, by `now`. */
  readonly #since = new Map<string, number>();

  /**
   * @param restless whether changes of the disk were noticed that nobody looked at yet
   * @param now milliseconds since any moment, by a clock that is never set
   */
  constructor(sync: Sync, restless: () => boolean, now: () => number = () => performance.now()) {
    this.#sync = sync;
    this.#restless = restless;
    this.#now = now;
  }

  /** Takes over what a look found, in its scope, that is not synced. */
  note(inScope: (path: string) => boolean, leftOut: ReadonlyMap<string, LeftOut>): void {
    for (const known of this.#leftOut.keys()) if (inScope(known)) this.#leftOut.delete(known);
    for (const [found, item] of leftOut) this.#leftOut.set(found, item);
  }

  /** After a look: judges the paths that were found missing in it, or that were missing before the first. */
  review(missing: ReadonlySet<string>): void {
    const { local, synced } = this.#sync.state.trees;
    const now = this.#now();
    for (const path of [...this.#since.keys()]) if (local.has(path) || !synced.has(path)) this.#since.delete(path);
    for (const path of missing) this.#since.set(path, now);

    const byIdentity = new Map([...this.#leftOut].map(([path, { identity }]) => [identity, path]));
    for (const path of [...this.#held]) {
      const base = synced.get(path);
      if (!base || local.has(path) || !byIdentity.has(base.identity)) this.#release(path);
    }
    for (const path of missing) {
      const base = synced.get(path);
      const to = base && byIdentity.get(base.identity);
      // What fell under a rule where it was has no other name.
      if (to !== undefined && to !== path && !this.isHeld(path)) this.#hold(path, to);
    }
  }

  /** Paths of what is there and not synced. */
  get leftOut(): string[] {
    return [...this.#leftOut.keys()];
  }

  /** Whether a path is missing because it, or a directory above it, has a name now that is not synced. */
  isHeld(path: string): boolean {
    return this.#held.size > 0 && isWithinAny(path, this.#held);
  }

  /** Whether a missing path may turn up under another name when what is unseen was looked at. */
  isUnsettled(path: string): boolean {
    const since = this.#since.get(path);
    return since !== undefined && this.#now() - since < HALF_SEEN_MS && this.#restless();
  }

  /** Whether a deletion waits for the rest of what happened on the disk. */
  get areUnsettled(): boolean {
    return [...this.#since.keys()].some((path) => this.#sync.notices.dirty.has(path) && this.isUnsettled(path));
  }

  #hold(path: string, to: string): void {
    const { state, report, notices } = this.#sync;
    this.#held.add(path);
    state.transaction(() => {
      for (const [at, base] of within(state.trees.synced, path)) {
        state.set('synced', at, { ...base, lapsed: true });
      }
      const { reason } = this.#leftOut.get(to)!;
      const message = `renamed here to ${to}, which is not synced: ${reason}; elsewhere it is still ${nameOf(path)}`;
      state.setProblem(path, message);
      report({ event: 'error', code: 'not_synced', message, path });
    });
    notices.replan(path);
  }

  #release(path: string): void {
    const { state, notices } = this.#sync;
    this.#held.delete(path);
    state.clearProblem(path);
    for (const at of pathsWithin(state.trees.synced, path)) notices.replan(at);
  }
}
