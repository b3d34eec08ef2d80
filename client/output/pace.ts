import { formatBytes } from '../../protocol/bytes.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';

/** The speed is that of this time before, ms. */
const WINDOW_MS = 10_000;
/** What moved in less says nothing of the speed. */
const LEAST_MS = 100;

/** How far all transfers together are, how fast, and how long it will take. */
export class Pace {
  #total = 0;
  /** Bytes of the files that are done, and of each that is under way. */
  #done = 0;
  readonly #partly = new Map<string, number>();
  #samples: { readonly at: number; readonly moved: number }[] = [];

  note(event: SyncEvent, now = performance.now()): void {
    if (event.event === 'transfers') {
      this.#total = event.bytes;
      this.#done = 0;
      this.#partly.clear();
      this.#samples = [{ at: now, moved: 0 }];
    } else if (event.event === 'progress') {
      this.#partly.set(event.path, event.bytes);
      this.#sample(now);
    } else if (event.event === 'uploaded' || event.event === 'downloaded') {
      this.#partly.delete(event.path);
      this.#done += event.file_bytes;
      this.#sample(now);
    }
  }

  /** `12%  1.2 of 10 GB  5.1 MB/s  29 min left`, as far as that is known. */
  describe(): string {
    const moved = this.#moved();
    const parts = [`${Math.floor((100 * moved) / Math.max(1, this.#total))}% of ${formatBytes(this.#total)}`];
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const bytes = first && last ? last.moved - first.moved : 0;
    if (first && last && bytes > 0 && last.at - first.at >= LEAST_MS) {
      const rate = (1000 * bytes) / (last.at - first.at);
      parts.push(`${formatBytes(rate)}/s`, `${formatSeconds((this.#total - moved) / rate)} left`);
    }
    return parts.join('  ');
  }

  #moved(): number {
    let moved = this.#done;
    for (const bytes of this.#partly.values()) moved += bytes;
    return Math.min(moved, this.#total);
  }

  #sample(now: number): void {
    this.#samples.push({ at: now, moved: this.#moved() });
    while (this.#samples.length > 2 && this.#samples[1]!.at <= now - WINDOW_MS) this.#samples.shift();
  }
}

function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
