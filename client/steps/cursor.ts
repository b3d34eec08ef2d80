import type { CommitResult } from '../../protocol/commit.ts';
import type { State } from '../state/state.ts';
import type { Notices } from './notices.ts';

interface Reader {
  readonly state: Pick<State, 'cursor' | 'setFact'>;
  readonly notices: Pick<Notices, 'readChanges'>;
}

/** Takes over the cursors of this device's own commits, of which several may be under way at once. */
export class OwnCursors {
  /** Cursors of commits that were answered before those that came before them. */
  readonly #early = new Set<number>();
  #underWay = 0;

  /** Runs a call that commits. */
  async during<Result>(reader: Reader, call: () => Promise<Result>): Promise<Result> {
    this.#underWay++;
    try {
      return await call();
    } finally {
      this.#underWay--;
      this.#advance(reader);
    }
  }

  /**
   * Notes what was answered. When the cursors do not follow on the last one known, and none of this device's calls can
   * be what is missing, another device was in between, and the changes have to be read.
   */
  note(reader: Reader, results: readonly CommitResult[]): void {
    for (const result of results) if ('cursor' in result) this.#early.add(result.cursor);
    this.#advance(reader);
  }

  #advance({ state, notices }: Reader): void {
    let { cursor } = state;
    for (const early of [...this.#early].sort((one, other) => one - other)) {
      if (early > cursor + 1) break;
      cursor = Math.max(cursor, early);
      this.#early.delete(early);
    }
    if (cursor !== state.cursor) state.setFact('cursor', String(cursor));
    if (this.#underWay > 0 || this.#early.size === 0) return;
    this.#early.clear();
    notices.readChanges();
  }
}
