import fc from 'fast-check';
import { conflictPath } from '../../client/plan/conflict-name.ts';
import { othersOf, pathsOf } from '../../client/plan/operation.ts';
import { plan } from '../../client/plan/plan.ts';
import { type Content, isLeaf, same } from '../../client/plan/tree.ts';
import { type Intent, pathsOfIntent } from '../../client/state/intent.ts';
import { applyChange } from '../../client/steps/catch-up.ts';
import { rebase } from '../../client/steps/rebase.ts';
import { recognize, takeDeletion, takeMove, takeUpload } from '../../client/steps/take-over.ts';
import { ancestors, isInside } from '../../protocol/path.ts';
import { path } from './edits.ts';
import { directory, file, link, Model, type RemoteMove } from './model.ts';
import type { Outcome, ServiceModel } from './service-model.ts';

/** A change that a user makes in the folder of one device. */
export type Edit =
  | { readonly do: 'write' | 'link' | 'mkdir' | 'delete'; readonly path: string }
  | { readonly do: 'move'; readonly path: string; readonly to: string };

/** Such a change of something, drawn at random. */
export const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('link' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mkdir' as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('move' as const), path, to: path }) },
);

/** What becomes of a call: nobody answers, though it was carried out, or it never arrives, or later than the next ones. */
export type Loss = 'unanswered' | 'lost' | 'late';

type WithoutId<I> = I extends Intent ? Omit<I, 'id' | 'device_id'> : never;
type Call = WithoutId<Intent>;

/** A device of the fleet: a disk that its user changes at any time, and a picture of disk and service that lags behind. */
export class DeviceModel extends Model {
  override readonly disk = new Map<string, NonNullable<ReturnType<Model['local']['get']>>>();
  /** Contents that a step of the client, not the user, took from this disk. */
  readonly taken = new Set<string>();
  readonly #name: string;
  readonly #service: ServiceModel;
  readonly #dirty = new Set<string>();
  readonly #unmovable = new Set<string>();
  readonly #intents: Intent[] = [];
  readonly #writer = {
    set: (tree: 'local' | 'remote' | 'synced', path: string, entry: unknown) =>
      void this[tree].set(path, entry as never),
    remove: (tree: 'local' | 'remote' | 'synced', path: string) => void this[tree].delete(path),
  };
  /** What becomes of the next calls. */
  readonly losses: (Loss | undefined)[] = [];
  #cursor = 0;
  #isAway = false;
  /** A call was refused, so that the changes are read before anything else is planned. */
  #isBehind = false;

  constructor(name: string, service: ServiceModel) {
    super();
    this.#name = name;
    this.#service = service;
  }

  override nextIdentity(): string {
    return `${this.#name} ${super.nextIdentity()}`;
  }

  override commit(path: string, _content: Content, base_version: number): number | undefined {
    const items = [{ path, base_version, local: this.local.get(path)! }];
    const [outcome] = this.#call({ call: 'finalize', items });
    return typeof outcome === 'object' ? outcome.version : undefined;
  }

  override withdraw(path: string, base_version: number): boolean {
    const [outcome] = this.#call({ call: 'remove', files: [{ path, base_version }] });
    return typeof outcome === 'object';
  }

  override rename(moves: readonly RemoteMove[]): (number | undefined)[] {
    const items = moves.map(({ from, to, base_version }) => {
      return { from, to, base_version, identity: (this.local.get(to) ?? this.synced.get(from))?.identity ?? '' };
    });
    const outcomes = this.#call({ call: 'move', moves: items });
    return moves.map(({ from, to }, index) => {
      const outcome = outcomes[index];
      if (outcome === 'refused') for (const path of [from, to]) this.#unmovable.add(path);
      return typeof outcome === 'object' ? outcome.version : undefined;
    });
  }

  /** Sends a call; no outcome when no answer comes, and then nothing else is sent before `catchUp`. */
  #call(what: Call): readonly Outcome[] {
    if (this.#isAway) return [];
    const intent = { ...what, id: this.nextIdentity(), device_id: this.#name } as Intent;
    if (intent.call === 'finalize') this.#service.open(intent.id);
    const outcomes = this.#ask(intent);
    if (outcomes === 'none') this.#intents.push(intent);
    if (!Array.isArray(outcomes)) return [];
    this.#isBehind ||= outcomes.some((outcome) => typeof outcome === 'string');
    return outcomes;
  }

  /** What the service answers; `none` when no answer comes. */
  #ask(intent: Intent): readonly Outcome[] | 'gone' | 'none' {
    const loss = this.losses.shift();
    this.#isAway = loss !== undefined;
    if (loss === 'late') this.#service.send(intent);
    else if (loss !== 'lost') {
      const outcomes = this.#service.answer(intent);
      if (!loss) return outcomes ?? 'gone';
    }
    return 'none';
  }

  /** As the client settles what has no answer, before it reads the changes. False when again there is none. */
  #settle(): boolean {
    for (const intent of [...this.#intents]) {
      const outcomes = this.#ask(intent);
      if (outcomes === 'none') return false;
      for (const path of pathsOfIntent(intent)) this.#dirty.add(path);
      const results = outcomes === 'gone' ? [] : outcomes;
      for (const [index, outcome] of results.entries()) {
        if (typeof outcome === 'object') this.#take(intent, index, outcome);
      }
      const isSettled = results.length > 0 && results.every((outcome) => typeof outcome === 'object');
      if (isSettled) this.#intents.splice(this.#intents.indexOf(intent), 1);
    }
    return true;
  }

  #take(intent: Intent, index: number, { version, cursor }: Exclude<Outcome, string>): void {
    const committed = { version, isRead: cursor <= this.#cursor };
    if (intent.call === 'finalize') takeUpload(this.#writer, this, intent.items[index]!, committed);
    else if (intent.call === 'move') takeMove(this.#writer, this, intent.moves[index]!, committed);
    else takeDeletion(this.#writer, intent.files[index]!.path, committed);
  }

  /** Makes the local tree what the disk is. */
  look(): void {
    for (const path of new Set([...this.disk.keys(), ...this.local.keys()])) {
      const [here, known] = [this.disk.get(path), this.local.get(path)];
      if (here === known) continue;
      this.#dirty.add(path);
      if (!here) this.local.delete(path);
      else {
        const seen = known?.leftover && here.kind === 'directory' ? { ...here, leftover: true } : here;
        this.disk.set(path, seen);
        this.local.set(path, seen);
      }
    }
  }

  /** Settles what has no answer, and reads at most `most` of the changes since the cursor. False without an answer. */
  catchUp(most = Number.POSITIVE_INFINITY): boolean {
    this.#isAway = false;
    if (!this.#settle()) return false;
    this.#isBehind = false;
    for (const change of this.#service.changes.slice(this.#cursor, this.#cursor + most)) {
      applyChange(this.#writer, this, change);
      recognize(this.#writer, this, this.#intents, change);
      this.#dirty.add(change.entry.path);
      if (change.moved_from !== undefined) this.#dirty.add(change.moved_from);
      this.#cursor = change.cursor;
    }
    if (this.#cursor === this.#service.changes.length) this.#intents.length = 0;
    return true;
  }

  /** Plans as the engine does and carries out the first `most` steps. Returns how many there were. */
  step(most = Number.POSITIVE_INFINITY): number {
    if (this.#isBehind && !this.catchUp()) return 1;
    for (const path of rebase(this.#writer, this, this.#dirty)) this.#dirty.add(path);
    const operations = plan(this, {
      dirty: new Set(this.#dirty),
      unmovable: this.#unmovable,
      conflictPath: (path) =>
        conflictPath(
          path,
          this.#name,
          new Date(2026, 0, 31),
          (candidate) => this.local.has(candidate) || this.remote.has(candidate),
        ),
    });
    this.#dirty.clear();
    for (const operation of operations) {
      for (const path of [...pathsOf(operation), ...othersOf(operation)]) this.#dirty.add(path);
    }
    const inDoubt = new Set(this.#intents.flatMap(pathsOfIntent));
    const ready = operations.filter(
      (operation) => ![...pathsOf(operation), ...othersOf(operation)].some((path) => inDoubt.has(path)),
    );
    const moves = ready.filter((operation) => operation.do === 'moveRemote');
    for (const operation of ready.slice(0, most)) {
      if (this.#isAway) break;
      const before = contentsOf(this.disk);
      if (operation.do === 'moveRemote') {
        // One call, and so never cut off in the middle.
        if (operation === moves[0]) this.moveAll(moves);
        continue;
      }
      if (operation.do === 'setAside') this.#markBelow(operation.path, operation.to);
      this.apply(operation);
      const after = contentsOf(this.disk);
      for (const content of before) if (!after.has(content)) this.taken.add(content);
    }
    for (const path of this.#unmovable) if (this.#isAgreedOn(path)) this.#unmovable.delete(path);
    return operations.length;
  }

  #isAgreedOn(path: string): boolean {
    const base = this.synced.get(path);
    return same(this.local.get(path), base) && same(this.remote.get(path), base);
  }

  override moveFolder(from: string, to: string): string[] {
    const changed = super.moveFolder(from, to);
    for (const path of changed) this.#dirty.add(path);
    return changed;
  }

  /** What is below a renamed folder is at other paths, too. */
  #markBelow(path: string, to: string): void {
    for (const at of this.local.keys()) {
      if (at === path || isInside(at, path)) this.#dirty.add(at).add(to + at.slice(path.length));
    }
  }

  /** Carries out what a user does, as far as a file system allows it; answers the contents that it removed. */
  edit(change: Edit, content: string): Set<string> {
    const before = contentsOf(this.disk);
    const { disk } = this;
    const isFree = (path: string): boolean => !ancestors(path).some((above) => isLeaf(disk.get(above)));
    const put = (path: string, entry: Content): void => {
      for (const above of ancestors(path)) if (!disk.has(above)) put(above, directory());
      const old = disk.get(path);
      const identity = old?.kind === entry.kind ? old.identity : this.nextIdentity();
      disk.set(path, { ...entry, hint: '', identity });
    };
    const inside = (path: string): string[] => [...disk.keys()].filter((at) => at === path || isInside(at, path));
    const old = disk.get(change.path);
    const makes = change.do === 'write' || change.do === 'link';
    if (makes && old?.kind !== 'directory' && isFree(change.path))
      put(change.path, (change.do === 'link' ? link : file)(content));
    else if (change.do === 'mkdir' && !old && isFree(change.path)) put(change.path, directory());
    else if (change.do === 'delete') for (const path of inside(change.path)) disk.delete(path);
    else if (change.do === 'move' && old && !isInside(change.to, change.path) && isFree(change.to)) {
      // A rename puts a file in the place of a file, as editors save, and nothing in the place of a folder.
      const target = disk.get(change.to);
      if (change.to !== change.path && (!target || (isLeaf(target) && isLeaf(old)))) {
        for (const above of ancestors(change.to)) if (!disk.has(above)) put(above, directory());
        for (const path of inside(change.path)) {
          const { leftover, ...entry } = disk.get(path)!;
          disk.set(change.to + path.slice(change.path.length), entry);
          disk.delete(path);
        }
      }
    }
    const after = contentsOf(disk);
    return new Set([...before].filter((hash) => !after.has(hash)));
  }
}

export function contentsOf(tree: ReadonlyMap<string, Content>): Set<string> {
  return new Set([...tree.values()].flatMap(({ blocks }) => blocks.map(({ hash }) => hash)));
}
