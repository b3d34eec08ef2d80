import { limits } from '../../protocol/limits.ts';
import { ignoreFile } from '../disk/ignore.ts';
import { conflictPath } from '../plan/conflict-name.ts';
import { type Operation, othersOf, pathsOf } from '../plan/operation.ts';
import { plan } from '../plan/plan.ts';
import { isLeaf, pathsWithin } from '../plan/tree.ts';
import type { Intent } from '../state/intent.ts';
import { adoptEqual } from '../steps/adopt.ts';
import { moveGroups } from '../steps/batches.ts';
import { catchUp, takeNews } from '../steps/catch-up.ts';
import { pathsInDoubt, settleIntents } from '../steps/commit.ts';
import type { Sync } from '../steps/context.ts';
import { type Load, PORTION } from '../steps/newcomers.ts';
import { OtherCuts } from '../steps/other-cuts.ts';
import { rebase } from '../steps/rebase.ts';
import type { Clock } from './clock.ts';
import type { DeletionGuard } from './deletion-guard.ts';
import { execute } from './execute.ts';
import type { Lookout } from './lookout.ts';
import { putOffDeletions } from './put-off.ts';
import { Standstill } from './standstill.ts';
import type { Transfers } from './transfers.ts';

interface RoundsOptions {
  readonly sync: Sync;
  readonly transfers: Transfers;
  readonly lookout: Pick<
    Lookout,
    'look' | 'readIgnores' | 'rulesDiffer' | 'blocked' | 'goesAlong' | 'isUnsettled' | 'isRestless' | 'readings'
  >;
  readonly clock: Clock;
  readonly guard: DeletionGuard;
  /** Throws when the folder is not the one that the sync was started on. */
  readonly demandRoot: () => Promise<void>;
  /** Called once the changes were read. */
  readonly onCaughtUp: () => void;
  readonly signal: AbortSignal;
}

/** What a sync does again and again: look, catch up, plan, execute. Content moves beside it. */
export class Rounds {
  readonly #options: RoundsOptions;
  readonly #standstill = new Standstill();
  readonly #otherCuts: OtherCuts;
  #started = false;
  #first = true;
  #startsOver = true;

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#otherCuts = new OtherCuts(options.sync);
  }

  /** One round. Returns the milliseconds to wait when nothing is left to do. */
  async run(): Promise<number | undefined> {
    const { sync, transfers, lookout, demandRoot, guard } = this.#options;
    this.#start();
    await demandRoot();
    // Before the look, which tells by what was agreed on why a file is missing; without an answer it is due all the same.
    const [settled] = await Promise.allSettled([settleIntents(sync)]);
    await this.#look();
    await demandRoot();
    if (settled.status === 'rejected') throw settled.reason;
    await this.#catchUp(settled.value);

    const planned = performance.now();
    transfers.noteFailures();
    const isNextPortion = this.#newcomersAreDue;
    const operations = await this.#plan(isNextPortion);
    const mayBeTried = this.#readyOf(operations);
    const admitted = guard.admit(mayBeTried, sync.state.trees.synced, lookout.isRestless);
    const ready = putOffDeletions(admitted, sync.state.trees, transfers.entries());
    const arrived = [...transfers.fetched, ...transfers.sent].flatMap(({ steps }) => steps);
    if (ready.length === 0 && arrived.length === 0) {
      if (this.#newcomersAreDue) return undefined;
      if (transfers.isIdle) sync.notices.cameToRest();
      const late = new Set(mayBeTried.flatMap(pathsOf));
      return sync.failures.untilRetry((path) => late.has(path) || transfers.holds(path));
    }
    if (!isNextPortion) announce(sync, ready, [transfers.load, sync.notices.newcomers.load]);
    const wasCut = await this.#execute(ready, performance.now() + 10 * (performance.now() - planned));
    const done = [...ready, ...arrived];
    const tried = done.filter((operation) => pathsOf(operation).every((path) => sync.failures.countAt(path) === 0));
    const versionOf = (path: string): number | undefined => sync.state.trees.remote.get(path)?.version;
    if (!wasCut && tried.length > 0 && this.#standstill.isOne(tried, versionOf)) {
      const message = 'nothing that is tried here has an effect';
      for (const path of tried.flatMap(pathsOf)) sync.failures.fail(path, 'local', message);
    }
    return undefined;
  }

  /** The next round trusts nothing that it remembers of the disk. */
  startOver(): void {
    this.#startsOver = true;
  }

  #start(): void {
    if (this.#started) return;
    const { state } = this.#options.sync;
    state.clearProblems();
    state.dropUploadsBefore(Date.now() - limits.uploadHours * 3_600_000);
    this.#started = true;
  }

  async #look(): Promise<void> {
    const { sync, lookout, clock, demandRoot, signal } = this.#options;
    if (this.#startsOver || (await lookout.rulesDiffer())) await this.#takeRules();
    if (clock.rescanIsDue) sync.notices.look('');
    const isWhole = sync.notices.unseen.has('');
    const looks = sync.notices.unseen.size > 0;
    if (looks) clock.stirred();
    const started = performance.now();
    await lookout.look({ first: this.#first });
    // What was found is planned by rules that were there before it, found or not.
    while (looks && !signal.aborted && (await lookout.rulesDiffer())) {
      await demandRoot();
      await this.#takeRules();
      await lookout.look();
    }
    if (isWhole) clock.rescanned(performance.now() - started);
    this.#first = false;
    this.#startsOver = false;
  }

  async #takeRules(): Promise<void> {
    const { transfers, lookout } = this.#options;
    await transfers.coming.drop(() => true);
    await lookout.readIgnores();
  }

  /** @param doubtful calls of which only the changes tell whether they were carried out */
  async #catchUp(doubtful: readonly Intent[]): Promise<void> {
    const { sync, transfers, lookout, clock, onCaughtUp } = this.#options;
    takeNews(sync);
    if (sync.notices.takeBehind() || clock.pollIsDue || doubtful.length > 0) {
      try {
        await catchUp(sync);
      } catch (error) {
        sync.notices.readChanges();
        throw error;
      }
      for (const { id } of doubtful) sync.state.dropIntent(id);
      adoptEqual(sync, (path) => lookout.blocked(path) || transfers.holds(path));
      clock.polled();
      onCaughtUp();
      // Together, so that a database which pauses is woken once.
      if (clock.takeHeal()) transfers.heal();
    }
  }

  /** What is still to be begun. What is on its way and not wanted any more is given up. */
  async #plan(isNextPortion: boolean): Promise<Operation[]> {
    const { sync, lookout, transfers } = this.#options;
    // Rules that arrive are in use before anything else is done: what they leave out is neither fetched nor deleted.
    const rules = this.#readyOf(this.#planAt([ignoreFile]).filter(isInward));
    if (rules.length > 0) return transfers.review(rules, new Set([ignoreFile]));
    sync.notices.portion(isNextPortion, (path) => lookout.blocked(path));
    sync.state.transaction(() => {
      for (const path of rebase(sync.state, sync.state.trees, sync.notices.dirty)) sync.notices.replan(path);
    });
    const paths = new Set(sync.notices.dirty);
    for (const path of sync.failures.paths) paths.add(path);
    // A change may be the other end of a rename of what is on its way.
    for (const path of transfers.paths(paths.size > 0)) paths.add(path);
    await this.#otherCuts.compare(paths);
    const operations = this.#planAt(paths);
    // What waits for the rest of a rename may have to do with any of them.
    const left = paths.values().some((path) => lookout.isUnsettled(path)) ? paths : [];
    sync.notices.planned(toPlanAgain(left, operations));
    const inDoubt = pathsInDoubt(sync.state);
    for (const path of sync.failures.paths) {
      if (!sync.notices.dirty.has(path) && !inDoubt.has(path)) sync.failures.succeed(path);
    }
    return transfers.review(operations, paths);
  }

  /** Whether so little is to be done, and on its way, that the next newcomers may be. */
  get #newcomersAreDue(): boolean {
    const { sync, transfers } = this.#options;
    // While rules are on their way, nothing else is planned.
    if (transfers.holds(ignoreFile)) return false;
    return sync.notices.newcomersAreNext && sync.notices.dirty.size + transfers.smallFiles < PORTION / 2;
  }

  /** The operations of which no path has to wait: after a failure, for the answer of a call, or until it was read. */
  #readyOf(operations: readonly Operation[]): Operation[] {
    const { sync, lookout } = this.#options;
    const { failures, state } = sync;
    const inDoubt = pathsInDoubt(state);
    const mayTry = (path: string): boolean =>
      failures.mayTry(path) && !inDoubt.has(path) && !lookout.readings.has(path);
    const isReady = (operation: Operation): boolean =>
      pathsOf(operation).every(mayTry) && !othersOf(operation).some((path) => inDoubt.has(path));
    const moves = operations.filter((operation) => operation.do === 'moveRemote');
    // A directory and all that is in it wait for each other.
    const late = new Set<Operation>(
      moveGroups(state.trees.remote, moves).flatMap((group) => (group.every(isReady) ? [] : group)),
    );
    return operations.filter((operation) => !late.has(operation) && isReady(operation));
  }

  #planAt(paths: Iterable<string>): Operation[] {
    const { sync, lookout } = this.#options;
    return plan(sync.state.trees, {
      dirty: new Set(paths),
      blocked: (path) => lookout.blocked(path),
      unsettled: (path) => lookout.isUnsettled(path),
      unmovable: sync.unmovable,
      goesAlong: (from, to) => lookout.goesAlong(from, to),
      conflictPath: (path) => freeConflictPath(sync, path),
    });
  }

  /** Carries out a plan; new signals cut it off, but not before `patience` (by `performance.now()`). */
  async #execute(operations: readonly Operation[], patience: number): Promise<boolean> {
    const { sync, transfers, guard, signal } = this.#options;
    let wasCut = false;
    const interrupted = (): boolean => {
      wasCut ||=
        signal.aborted || ((sync.notices.unseen.size > 0 || sync.notices.behind) && performance.now() > patience);
      return wasCut;
    };
    guard.note(await execute(sync, operations, { transfers, interrupted }));
    return wasCut;
  }
}

function* toPlanAgain(left: Iterable<string>, operations: readonly Operation[]): Generator<string> {
  yield* left;
  for (const operation of operations) {
    yield* pathsOf(operation);
    yield* othersOf(operation);
  }
}

/** Whether an operation changes this disk. */
function isInward({ do: what }: Operation): boolean {
  return what === 'download' || what === 'deleteLocal' || what === 'moveLocal' || what === 'setAside';
}

/** Says how much content is to move, at most, when a plan adds to what is on its way, or will be. */
function announce(
  { state, report }: Pick<Sync, 'state' | 'report'>,
  operations: readonly Operation[],
  others: readonly Load[],
): void {
  let [files, bytes] = [0, 0];
  for (const operation of operations) {
    if (operation.do !== 'upload' && operation.do !== 'download') continue;
    const tree = operation.do === 'upload' ? state.trees.local : state.trees.remote;
    const entry = tree.get(operation.path);
    if (!isLeaf(entry)) continue;
    files++;
    bytes += entry.size;
  }
  if (files === 0) return;
  for (const other of others) [files, bytes] = [files + other.files, bytes + other.bytes];
  report({ event: 'transfers', files, bytes });
}

function freeConflictPath(sync: Sync, path: string): string {
  const { local, remote } = sync.state.trees;
  const taken = (candidate: string): boolean => local.has(candidate) || remote.has(candidate);
  let inside = 0;
  if (local.get(path)?.kind === 'directory') {
    for (const at of pathsWithin(local, path)) {
      inside = Math.max(inside, Buffer.byteLength(at) - Buffer.byteLength(path));
    }
  }
  return conflictPath(path, sync.device.name, new Date(), taken, inside);
}
