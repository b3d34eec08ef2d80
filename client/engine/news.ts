import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { Pace } from '../output/pace.ts';
import type { Report } from '../output/report.ts';
import type { Bulletin, News as Told } from '../state/bulletin.ts';

/** Progress is noted so often. */
const NOTED_MS = 1_000;

/** Notes for other commands what the events of a sync say of the present: what stands in its way, and what is moving. */
export class News {
  readonly #bulletin: Pick<Bulletin, 'note'>;
  readonly #report: Report;
  readonly #moving = new Map<string, NonNullable<Told['transfers']>[number]>();
  readonly #pace = new Pace();
  #notedAt = Number.NEGATIVE_INFINITY;
  #inTrouble = false;

  constructor(report: Report, bulletin: Pick<Bulletin, 'note'>) {
    this.#report = report;
    this.#bulletin = bulletin;
  }

  readonly report: Report = (event) => {
    this.#report(event);
    this.#note(event);
  };

  /** Nothing of this machine stands in the way any more. */
  noTrouble(): void {
    if (this.#inTrouble) this.#bulletin.note({ trouble: undefined });
    this.#inTrouble = false;
  }

  /** What was given up ends without an event. */
  stillMoving(isOnItsWay: (path: string) => boolean): void {
    const ended = [...this.#moving.keys()].filter((path) => !isOnItsWay(path));
    for (const path of ended) this.#moving.delete(path);
    if (ended.length > 0) this.#noteMoving();
  }

  #note(event: SyncEvent): void {
    this.#pace.note(event);
    if (event.event === 'progress') {
      const { path, bytes, file_bytes, side } = event;
      this.#moving.set(path, { path, bytes, file_bytes, side, moved_at: Date.now() });
      this.#noteMovingNowAndThen();
    } else if (event.event === 'transfers' || event.event === 'idle') {
      this.#noteMoving();
    } else if (event.event === 'error' && event.path === undefined) {
      this.#bulletin.note({ trouble: { since: Date.now(), message: event.message } });
      this.#inTrouble = true;
    } else if ('path' in event && event.path !== undefined && this.#moving.delete(event.path)) {
      this.#noteMoving();
    } else if (event.event === 'uploaded' || event.event === 'downloaded') {
      this.#noteMovingNowAndThen();
    }
  }

  #noteMovingNowAndThen(): void {
    if (performance.now() - this.#notedAt >= NOTED_MS) this.#noteMoving();
  }

  #noteMoving(): void {
    this.#notedAt = performance.now();
    const { bytes, of } = this.#pace.sum;
    this.#bulletin.note({ transfers: [...this.#moving.values()], moving: bytes < of ? { bytes, of } : undefined });
  }
}
