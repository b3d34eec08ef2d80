import { type Content, isLeaf, type RemoteEntry } from '../../client/plan/tree.ts';
import type { Intent } from '../../client/state/intent.ts';
import type { Change } from '../../protocol/changes.ts';
import { ancestors, isInside } from '../../protocol/path.ts';
import type { RemoteMove } from './model.ts';

/** What became of one item of a call. */
export type Outcome = { readonly version: number; readonly cursor: number } | 'stale' | 'refused';

/** The rules of the service, on maps: compare-and-swap on versions, kinds that do not change, changes in order. */
export class ServiceModel {
  readonly entries = new Map<string, RemoteEntry>();
  readonly changes: Change[] = [];
  /** Every content that was ever committed. */
  readonly history = new Set<string>();
  readonly #lastVersions = new Map<string, number>();
  /** By the id of the call. */
  readonly #answers = new Map<string, readonly Outcome[]>();
  readonly #openUploads = new Set<string>();
  #late: Intent[] = [];
  #device = '';

  /** The upload may be finalized from now on. */
  open(id: string): void {
    this.#openUploads.add(id);
  }

  /** Carries a call out, once: who repeats it gets the same answer. `undefined` for an upload that is over. */
  answer(intent: Intent): readonly Outcome[] | undefined {
    const before = this.#answers.get(intent.id);
    if (before) return before;
    if (intent.call === 'finalize' && !this.#openUploads.has(intent.id)) return undefined;
    this.#device = intent.device_id;
    const outcomes = this.#carryOut(intent);
    this.#answers.set(intent.id, outcomes);
    return outcomes;
  }

  /** The call is on its way. */
  send(intent: Intent): void {
    this.#late.push(intent);
  }

  /** What is on its way arrives. */
  receive(): void {
    for (const intent of this.#late.splice(0)) this.answer(intent);
  }

  /** Days go by. */
  forget(): void {
    this.#late = [];
    this.#answers.clear();
    this.#openUploads.clear();
  }

  #carryOut(intent: Intent): Outcome[] {
    const at = (version: number | undefined): Outcome =>
      version === undefined ? 'refused' : { version, cursor: this.changes.length };
    if (intent.call === 'finalize') {
      return intent.items.map(({ path, local, base_version }) => at(this.commit(path, local, base_version)));
    }
    if (intent.call === 'remove') {
      return intent.files.map(({ path, base_version }) =>
        at(this.withdraw(path, base_version) ? base_version + 1 : undefined),
      );
    }
    const first = this.changes.length;
    let done = 0;
    return this.renameAll(intent.moves.map((move) => ({ do: 'moveRemote', ...move }))).map((result) =>
      typeof result === 'object' ? { version: result.version, cursor: first + ++done } : result,
    );
  }

  commit(path: string, content: Content, base: number): number | undefined {
    const current = this.entries.get(path);
    if ((current?.version ?? 0) !== base || (current && current.kind !== content.kind)) return undefined;
    if (!current && !this.#isFree(path, content.kind)) return undefined;
    const { kind, size, mode, mtime_ms, blocks } = content;
    const entry = { kind, size, mode, mtime_ms, blocks, version: this.#nextVersion(path) };
    this.entries.set(path, entry);
    for (const { hash } of blocks) this.history.add(hash);
    this.#note(current ? 'update' : 'create', path, entry);
    return entry.version;
  }

  withdraw(path: string, base: number): boolean {
    const current = this.entries.get(path);
    if (current?.version !== base || this.#hasInside(path)) return false;
    this.entries.delete(path);
    this.#note('delete', path, { ...current, size: 0, blocks: [], version: this.#nextVersion(path) });
    return true;
  }

  /** One commit: those that are refused stay, and so does a directory in which something would, with all of it. */
  renameAll(moves: readonly RemoteMove[]): (RemoteEntry | 'stale' | 'refused')[] {
    const stay = new Set<RemoteMove>();
    for (;;) {
      const before = new Map(this.entries);
      const done = moves.filter((move) => !stay.has(move) && this.#rename(move));
      const emptied = done.filter(
        ({ to, from }) => this.entries.get(to)!.kind === 'directory' && this.#hasInside(from),
      );
      if (emptied.length === 0) {
        return moves.map((move) => {
          if (done.includes(move)) return this.#noteMove(move);
          return stay.has(move) || before.get(move.from)?.version !== move.base_version ? 'stale' : 'refused';
        });
      }
      this.entries.clear();
      for (const [path, entry] of before) this.entries.set(path, entry);
      for (const move of moves) {
        if (emptied.some(({ from }) => move.from === from || isInside(move.from, from))) stay.add(move);
      }
    }
  }

  #rename({ from, to, base_version }: RemoteMove): boolean {
    const current = this.entries.get(from);
    if (current?.version !== base_version || this.entries.has(to)) return false;
    this.entries.delete(from);
    const isFree = this.#isFree(to, current.kind);
    this.entries.set(isFree ? to : from, current);
    return isFree;
  }

  #noteMove({ from, to, base_version }: RemoteMove): RemoteEntry {
    const entry = { ...this.entries.get(to)!, version: this.#nextVersion(to, base_version) };
    this.entries.set(to, entry);
    this.#note('move', to, entry, from);
    return entry;
  }

  #isFree(path: string, kind: Content['kind']): boolean {
    if (ancestors(path).some((above) => isLeaf(this.entries.get(above)))) return false;
    return kind === 'directory' || !this.#hasInside(path);
  }

  #hasInside(path: string): boolean {
    return [...this.entries.keys()].some((other) => isInside(other, path));
  }

  #nextVersion(path: string, base = 0): number {
    const version = Math.max(base, this.#lastVersions.get(path) ?? 0) + 1;
    this.#lastVersions.set(path, version);
    return version;
  }

  #note(change_type: Change['change_type'], path: string, entry: RemoteEntry, moved_from?: string): void {
    const { kind, size, mode, mtime_ms, version, blocks } = entry;
    this.changes.push({
      cursor: this.changes.length + 1,
      change_type,
      entry: { path, kind, size, mode, mtime_ms, version, blocks: [...blocks] },
      ...(moved_from === undefined ? {} : { moved_from }),
      device_id: this.#device,
      timestamp: 0,
    });
  }
}
