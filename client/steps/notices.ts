import type { News } from '../../protocol/changes.ts';
import { ancestors } from '../../protocol/path.ts';
import { isLeaf } from '../plan/tree.ts';
import type { State } from '../state/state.ts';
import { Newcomers, PORTION } from './newcomers.ts';

/** Paths of which it is remembered who changed them. */
const MOST_AUTHORS = 20_000;

/** What is known to be out of date: what the next round has to look at, to read, and to plan. */
export class Notices {
  readonly #state: Pick<State, 'trees' | 'set'>;
  readonly #unseen = new Set<string>();
  #dirty: Set<string> = new Set();
  /** Paths to plan later. */
  readonly newcomers: Newcomers;
  /** Whether there were paths to plan since newcomers were left to a later plan. */
  #isStirred = false;
  /** Files that this client put in place. */
  readonly #own = new Set<string>();
  /** When a change at a path was first noticed, milliseconds since 1970. */
  readonly #noticed = new Map<string, number>();
  /** The devices that made the changes which this disk still follows, by path. */
  readonly #authors = new Map<string, string>();
  #behind = true;
  readonly #news: News[] = [];

  constructor(state: Pick<State, 'trees' | 'set'>) {
    this.#state = state;
    this.newcomers = new Newcomers(state.trees);
  }

  /** Paths to look at on the disk. */
  get unseen(): ReadonlySet<string> {
    return this.#unseen;
  }

  /** Paths to plan. */
  get dirty(): ReadonlySet<string> {
    return this.#dirty;
  }

  /** Whether the changes have to be read. */
  get behind(): boolean {
    return this.#behind || this.#news.length > 0;
  }

  /** A push brought a change along. */
  hear(news: News): void {
    this.#news.push(news);
  }

  /** The changes that pushes brought along, in the order in which they came. */
  takeNews(): News[] {
    return this.#news.splice(0);
  }

  /** Something may have changed on the disk at this path, and all below it; `''` for anything. */
  look(path: string): void {
    this.#unseen.add(path);
  }

  /** The disk is not as expected at `path`: a file there is read again, whatever its time stamps say. */
  lookAgain(path: string): void {
    const entry = this.#state.trees.local.get(path);
    if (isLeaf(entry)) this.#state.set('local', path, { ...entry, hint: '' });
    this.look(path);
    this.replan(path);
  }

  /** A file that this client put in place: of that, too, the system says that something changed there. */
  wrote(path: string): void {
    this.#own.add(path);
  }

  /** Whether a file at this path was put there by this client since all was looked at; it may have changed since then. */
  isOwn(path: string): boolean {
    return this.#own.has(path);
  }

  /** Takes the paths to look at; from now on they are seen. */
  takeUnseen(): Set<string> {
    const taken = new Set(this.#unseen);
    if (taken.has('')) this.#own.clear();
    this.#unseen.clear();
    return taken;
  }

  /** A tree has changed at these paths, or something else that plans depend on. */
  replan(...paths: readonly string[]): void {
    for (const path of paths) this.#dirty.add(path);
    this.#isStirred ||= paths.length > 0;
  }

  /** Whether it is the next newcomers' turn, once there is room for them: nothing happened since others were planned. */
  get newcomersAreNext(): boolean {
    return this.newcomers.size > 0 && !this.#isStirred;
  }

  /**
   * Leaves most of very many newcomers to later plans, or takes those that were left: the next portion when they are
   * `due`, and all of them as soon as anything happened, which may have to do with any.
   * @param blocked paths that are not synced
   */
  portion(due: boolean, blocked: (path: string) => boolean): void {
    const isStirred = this.#isStirred;
    this.#isStirred = false;
    const most = isStirred ? this.newcomers.size : due ? PORTION : 0;
    if (this.newcomers.size === 0) this.newcomers.takeFrom(this.#dirty, blocked);
    else for (const path of this.newcomers.next(most)) this.#dirty.add(path);
  }

  /** All was planned, and only these paths have to be planned again. */
  planned(left: Iterable<string>): void {
    this.#dirty = new Set(left);
  }

  /** What is to be done at this path is on its way; it is planned again when there is news of that. */
  handOver(path: string): void {
    this.#dirty.delete(path);
  }

  /** The service may have changes. */
  readChanges(): void {
    this.#behind = true;
  }

  /** Whether the changes have to be read; from now on they are taken for read. */
  takeBehind(): boolean {
    const behind = this.#behind;
    this.#behind = false;
    return behind;
  }

  /** @param at milliseconds since 1970; the first time counts */
  noticed(path: string, at: number): void {
    if (!this.#noticed.has(path)) this.#noticed.set(path, at);
  }

  /** When the change at a path was noticed, if one was; a new directory is noticed together with what is inside it. */
  noticedAt(path: string): { noticed_at?: number } {
    const noticed = [path, ...ancestors(path)].find((candidate) => this.#noticed.has(candidate));
    return noticed === undefined ? {} : { noticed_at: this.#noticed.get(noticed)! };
  }

  /** Another device changed this path. Of very many at a time some are not remembered. */
  changedBy(path: string, deviceId: string): void {
    if (this.#authors.size < MOST_AUTHORS || this.#authors.has(path)) this.#authors.set(path, deviceId);
  }

  /** Which device changed this path last, if another one did since all was at rest. */
  authorOf(path: string): { device_id?: string } {
    const author = this.#authors.get(path);
    return author === undefined ? {} : { device_id: author };
  }

  /** Both sides agree on `path`: the next change there is another one. */
  agreed(path: string): void {
    this.#noticed.delete(path);
  }

  /** Nothing is left to do: what was noticed led to nothing. */
  cameToRest(): void {
    if (this.#unseen.size === 0) this.#noticed.clear();
    this.#authors.clear();
  }
}
