import { join } from 'node:path';
import { ancestors, isInside, isWithin, isWithinAny } from '../../protocol/path.ts';
import { differsFrom, type Ignores, loadRules } from '../disk/ignore.ts';
import { Mounts } from '../disk/mounts.ts';
import { isNeverSynced, neverSynced } from '../disk/never-synced.ts';
import { scan } from '../disk/scan.ts';
import type { ScanResult } from '../disk/scan-result.ts';
import { isUnchanged } from '../disk/stamps.ts';
import { Twins } from '../disk/twins.ts';
import type { Watch } from '../disk/watch.ts';
import { trackProgress } from '../output/progress.ts';
import { knownFiles } from '../plan/known-files.ts';
import { isDirectory, pathsWithin } from '../plan/tree.ts';
import type { Sync } from '../steps/context.ts';
import { vacate } from '../steps/vacate.ts';
import { Absences } from './absences.ts';
import type { FrequentSaves } from './frequent-saves.ts';
import { Readings } from './readings.ts';
import { RestlessFiles } from './restless-files.ts';
import type { Signals } from './signals.ts';
import { writeDown } from './write-down.ts';

/** What is found out once in a look, however many paths it is at. */
interface Above {
  readonly mounts: Map<string, Promise<string | undefined>>;
  readonly spelled: Map<string, Promise<string | undefined>>;
}

interface Look extends Above {
  /** Whether it is the first of this sync. */
  readonly first: boolean;
}

interface LookoutOptions {
  readonly frequent?: FrequentSaves;
  /** Whether the user said that much may be deleted: a drive whose directory is gone, too, is not waited for. */
  readonly acceptsLoss?: boolean;
  /** Whether content of this path is being sent. */
  readonly isOnItsWay?: (path: string) => boolean;
}

/** Keeps the local tree as the disk is. */
export class Lookout {
  /** Large files, of which nothing is known until they were read. */
  readonly readings: Readings;
  readonly #sync: Sync;
  readonly #watch: Watch;
  readonly #signals: Pick<Signals, 'isCollecting'>;
  readonly #absences: Absences;
  readonly #skipped = new Map<string, string>();
  readonly #restless: RestlessFiles;
  readonly #acceptsLoss: boolean;
  readonly #twins: Twins;
  readonly #mounts: Mounts;
  #ignores: Ignores | undefined;
  /** Of the rules that are in use, once all of what they ask for is done. */
  #stamp: string | undefined;

  constructor(
    sync: Sync,
    watch: Watch,
    signals: Pick<Signals, 'later' | 'isCollecting'>,
    { frequent, acceptsLoss = false, isOnItsWay = () => false }: LookoutOptions = {},
  ) {
    this.#sync = sync;
    this.#acceptsLoss = acceptsLoss;
    this.#watch = watch;
    this.#signals = signals;
    this.#restless = new RestlessFiles({ sync, later: signals.later, isOnItsWay, frequent });
    this.readings = new Readings(signals.later);
    this.#absences = new Absences(sync, () => this.isRestless);
    this.#twins = new Twins(sync.state);
    this.#mounts = new Mounts(sync.state, sync.root);
  }

  /**
   * Reads the ignore rules; the next look has to be at everything. So does the next plan where they are others than before,
   * at an earlier start if need be; else it is at what was left.
   */
  async readIgnores(): Promise<void> {
    const { state, root, notices } = this.#sync;
    const { ignores, folders, stamp } = await loadRules(root);
    this.#ignores = ignores;
    if (state.fact('rules') !== stamp) this.#takeRules(stamp);
    else for (const path of state.differing()) notices.replan(path);
    for (const folder of folders) await this.#vacate(folder);
    notices.look('');
    this.#stamp = stamp;
  }

  /** Whether the disk has other rules than those that are in use. */
  async rulesDiffer(): Promise<boolean> {
    return await differsFrom(this.#stamp, this.#sync.root);
  }

  #takeRules(stamp: string): void {
    const { state, notices } = this.#sync;
    const { local, remote, synced } = state.trees;
    for (const tree of [local, remote, synced]) for (const path of tree.keys()) notices.replan(path);
    state.transaction(() => {
      for (const [path, base] of synced) {
        if (!base.lapsed && this.#isIgnored(path)) state.set('synced', path, { ...base, lapsed: true });
      }
      state.setFact('rules', stamp);
    });
  }

  async #vacate(folder: string): Promise<void> {
    const { files, kept } = await vacate(this.#sync, folder);
    this.#watch.forget(folder);
    if (files > 0) this.#sync.report({ event: 'excluded', path: folder, files, kept: kept.length });
  }

  /**
   * Whether a path is left out of plans: ignored, or renamed to what is, or here and of a kind that cannot be synced, or
   * inside such.
   */
  blocked(path: string): boolean {
    return this.#isIgnored(path) || this.#isSkipped(path) || this.#absences.isHeld(path);
  }

  /**
   * Whether what is not synced in a directory may get another name together with it: links and special files, and what
   * rules leave out under the new name as well.
   */
  goesAlong(from: string, to: string): boolean {
    for (const [path, reason] of this.#skipped) {
      if (isInside(path, from) && (!isNeverSynced(reason) || reason === neverSynced.signIn)) return false;
    }
    return this.#absences.leftOut
      .filter((path) => isInside(path, from))
      .every((path) => {
        const now = to + path.slice(from.length);
        return [true, false].every((isFolder) => {
          const [before, after] = [path, now].map((each) => this.#ignores?.(each, isFolder) !== undefined);
          return before === after;
        });
      });
  }

  /** Whether changes of the disk were noticed that nobody looked at yet. */
  get isRestless(): boolean {
    return this.#sync.notices.unseen.size > 0 || this.#signals.isCollecting;
  }

  /** Whether a missing path may turn up under another name at the next look. */
  isUnsettled(path: string): boolean {
    if (this.#absences.isUnsettled(path)) return true;
    const { local, synced } = this.#sync.state.trees;
    return this.readings.areGoingOn && !local.has(path) && this.readings.hasOfSize(synced.get(path)?.size ?? 0);
  }

  /** What is here and cannot be synced, though it is of a kind that could be: unreadable, badly named, never at rest. */
  get leftOut(): number {
    const skipped = [...this.#skipped.values()].filter((reason) => !isNeverSynced(reason)).length;
    return skipped + this.#restless.leftOut;
  }

  /** Whether a file is being written or read, or a name is missing, of which more will be known soon. */
  get waitsForRest(): boolean {
    return this.readings.areGoingOn || this.#restless.areWaitedFor || this.#absences.areUnsettled;
  }

  /** Looks at everything that is unseen. */
  async look({ first = false } = {}): Promise<void> {
    const unseen = this.#sync.notices.takeUnseen();
    const paths = [...unseen].filter(
      (path) =>
        path === '' ||
        (!unseen.has('') && !ancestors(path).some((above) => unseen.has(above)) && !this.#isAsWritten(path)),
    );
    const { state } = this.#sync;
    const { local, synced } = state.trees;
    const missing = new Set(first ? synced.keys().filter((path) => !local.has(path)) : []);
    const above = (): Above => ({ mounts: new Map(), spelled: new Map() });
    await this.#restless.review();
    const { others, missing: gone } = await this.#lookAt(paths, { first, ...above() });
    for (const path of gone) missing.add(path);
    for (const path of new Set([...others, ...this.#twins.withRoom()])) {
      const look = await this.#lookAt([path], { first, ...above() });
      for (const gone of look.missing) missing.add(gone);
    }
    this.#absences.review(missing);
  }

  /**
   * Returns as `others` the paths under whose spelling the disk has what was asked for, as `missing` the known paths
   * that are no longer there.
   */
  async #lookAt(asked: readonly string[], look: Look): Promise<{ others: string[]; missing: string[] }> {
    const { report, state } = this.#sync;
    const paths = new Set<string>();
    for (const path of asked) paths.add((await this.#mounts.changedAbove(path, look.mounts)) ?? path);
    const inScope = (candidate: string): boolean => isWithinAny(candidate, paths);
    const before = [...paths].flatMap((path) => pathsWithin(state.trees.local, path));
    const result = await this.#scan(paths, {
      look,
      suspects: [...before, ...[...this.#skipped.keys()].filter(inScope)],
    });
    if (look.first && paths.has('')) report({ event: 'scan', files: result.entries, done: true });

    const gone = before.filter((known) => !result.seen.has(known) && !this.#isIgnored(known));
    // A drive that went since what is above was looked at took them with it.
    const above = gone.map((known) => [known, ...ancestors(known), ''].find((at) => paths.has(at))!);
    const covered = await this.#mounts.changedAboveAny(new Set(above));
    if (covered.size > 0) {
      const others = [...paths].filter((path) => !isWithinAny(path, covered));
      return this.#lookAt([...others, ...covered], { ...look, mounts: new Map() });
    }
    for (const twin of result.twins) {
      const reason = this.#twins.judge(twin);
      if (reason !== undefined) result.skipped.set(twin.path, reason);
    }
    await this.#leaveOutLostDrives(paths, gone, result);
    // Of what could not be read it is not known yet whether it can be now.
    this.#noteSkipped(result.skipped, (path) => inScope(path) && !result.beingRead.has(path));
    for (const path of paths) if (path !== '' && !result.seen.has(path)) this.#watch.forget(path);
    const missing = before.filter((known) => !result.seen.has(known) && !this.#isSkipped(known));
    writeDown(this.#sync, result, missing, { restless: this.#restless, watch: this.#watch });
    this.#restless.note(inScope, result);
    this.readings.note(inScope, result.beingRead);
    this.#absences.note(inScope, result.leftOut);
    const others = result.twins.flatMap((twin) =>
      [...paths].filter((path) => isWithin(path, twin.path)).map((path) => twin.spelled + path.slice(twin.path.length)),
    );
    return { others, missing };
  }

  #scan(
    paths: ReadonlySet<string>,
    { look, suspects }: { readonly look: Look; readonly suspects: readonly string[] },
  ): Promise<ScanResult> {
    const { state, report, root, pool, apart, cache } = this.#sync;
    return scan(paths, {
      root,
      folderId: state.folderId,
      apart,
      suspects,
      ignores: this.#ignores!,
      pool,
      known: state.trees.local,
      onDirectory: (directory) => this.#watch.directory(directory),
      onProgress: (files) => report({ event: 'scan', files, done: false }),
      onReading: (file, bytes) => trackProgress(report, file, bytes, 'reading'),
      removeTemporary: look.first,
      beside: this.readings,
      postpones: (file) => this.#restless.postpones(file, paths.has(file)),
      copyTo: (file) => this.#restless.copyTo(file),
      placeOf: (hash) => cache.placeOf(hash),
      onSketch: (...sketch) => cache.putSketch(...sketch),
      spelled: look.spelled,
      ...knownFiles(state.trees, state.pathsWithInode),
    });
  }

  #noteSkipped(now: ReadonlyMap<string, string>, inScope: (path: string) => boolean): void {
    const { state, report, notices } = this.#sync;
    for (const skipped of [...this.#skipped.keys()].filter(inScope)) {
      if (now.has(skipped)) continue;
      state.clearProblem(skipped);
      this.#skipped.delete(skipped);
      notices.replan(skipped);
    }
    for (const [skipped, reason] of now) {
      if (this.#skipped.get(skipped) === reason) continue;
      state.setProblem(skipped, reason);
      this.#skipped.set(skipped, reason);
      report({ event: 'error', code: 'not_synced', message: reason, path: skipped });
    }
  }

  /** Whether a file is still as this client put it in place, so that a look would find nothing. */
  #isAsWritten(path: string): boolean {
    const { root, notices, state } = this.#sync;
    const hint = notices.isOwn(path) ? state.trees.local.get(path)?.hint : undefined;
    return hint !== undefined && hint !== '' && isUnchanged(join(root, path), hint);
  }

  /** Skips directories whose drive is not there, with all that is in them. */
  async #leaveOutLostDrives(
    paths: ReadonlySet<string>,
    gone: readonly string[],
    { seen, found, find, skipped }: ScanResult,
  ): Promise<void> {
    const { local } = this.#sync.state.trees;
    const directories = new Map<string, string>();
    for (const at of new Set([...[...paths].flatMap(ancestors), ...seen])) {
      const entry = found.get(at) ?? local.get(at);
      if (entry?.kind === 'directory') directories.set(at, entry.identity);
    }
    const isWaitedFor = (directory: string): boolean => !this.#acceptsLoss || directories.has(directory);
    const lost = await this.#mounts.judge(
      (path) => isWithinAny(path, paths),
      directories,
      (directory) => isWaitedFor(directory) && gone.some((known) => isWithin(known, directory)),
    );
    for (const [directory, reason] of lost) {
      skipped.set(directory, reason);
      for (const path of found.keys()) if (isWithin(path, directory)) find(path, undefined);
    }
  }

  #isIgnored(path: string): boolean {
    return this.#ignores?.(path, isDirectory(this.#sync.state.trees, path)) !== undefined;
  }

  #isSkipped(path: string): boolean {
    return this.#skipped.size > 0 && isWithinAny(path, this.#skipped);
  }
}
