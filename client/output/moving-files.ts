import { describePace } from './pace.ts';
import { Rate } from './rate.ts';

/** How far a file is on its way, or in being read. */
interface Progress {
  readonly bytes: number;
  readonly file_bytes: number;
  /** Where it goes to; `undefined` while it is read here. */
  readonly side?: 'local' | 'remote' | undefined;
}

/** Files that have a line of their own. */
const MOST_LINES = 6;

const words = { remote: 'up  ', local: 'down' } as const;

/** The files that move now, each with its rate. */
export class MovingFiles {
  readonly #files = new Map<string, { readonly progress: Progress; readonly rate: Rate }>();

  note(path: string, progress: Progress, now = performance.now()): void {
    const known = this.#files.get(path);
    const isSame = known?.progress.side === progress.side && known?.progress.file_bytes === progress.file_bytes;
    const rate = isSame && known ? known.rate : new Rate();
    rate.note(progress.bytes, now);
    this.#files.set(path, { progress, rate });
  }

  /** All others have ended. */
  keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.#files.keys()) if (!paths.has(path)) this.#files.delete(path);
  }

  /** It has ended. */
  delete(path: string): void {
    this.#files.delete(path);
  }

  clear(): void {
    this.#files.clear();
  }

  /** A line for each, as far as they have room: where it goes, how far it is, how fast, how long yet, and which one it is. */
  lines(): string[] {
    const all = [...this.#files].map(([path, { progress, rate }]) => {
      const way = progress.side === undefined ? 'read' : words[progress.side];
      return `${way}  ${describePace({ bytes: progress.bytes, of: progress.file_bytes }, rate)}  ${path}`;
    });
    if (all.length <= MOST_LINES) return all;
    return [...all.slice(0, MOST_LINES - 1), `      and ${all.length - MOST_LINES + 1} more`];
  }
}
