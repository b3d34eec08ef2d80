import { formatBytes } from '../../protocol/bytes.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { Rate } from './rate.ts';

/** How far all transfers together are, how fast, and how long it will take. */
export class Pace {
  #total = 0;
  /** Bytes of the files that are done, and of each that is under way. */
  #done = 0;
  readonly #partly = new Map<string, number>();
  #rate = new Rate();

  note(event: SyncEvent, now = performance.now()): void {
    if (event.event === 'transfers' || event.event === 'idle') {
      this.#total = event.event === 'transfers' ? event.bytes : 0;
      this.#done = 0;
      this.#partly.clear();
      this.#rate = new Rate();
    } else if (event.event === 'progress') {
      this.#partly.set(event.path, event.bytes);
    } else if (event.event === 'uploaded' || event.event === 'downloaded') {
      this.#partly.delete(event.path);
      this.#done += event.file_bytes;
    } else return;
    this.#rate.note(this.#moved(), now);
  }

  /** Bytes of all that moves, and how many of them have. */
  get sum(): { readonly bytes: number; readonly of: number } {
    return { bytes: this.#moved(), of: this.#total };
  }

  /** `12% of 10 GB  5.1 MB/s  29 min left`, as far as that is known. */
  describe(): string {
    return describePace(this.sum, this.#rate);
  }

  #moved(): number {
    let moved = this.#done;
    for (const bytes of this.#partly.values()) moved += bytes;
    return Math.min(moved, this.#total);
  }
}

/** The same of anything that moves. */
export function describePace({ bytes, of }: { readonly bytes: number; readonly of: number }, rate: Rate): string {
  const parts = [`${Math.floor((100 * bytes) / Math.max(1, of))}% of ${formatBytes(of)}`];
  const { perSecond } = rate;
  if (perSecond !== undefined) {
    parts.push(`${formatBytes(perSecond)}/s`, `${formatSeconds((of - bytes) / perSecond)} left`);
  }
  return parts.join('  ');
}

function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
