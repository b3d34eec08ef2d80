import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isWithin } from '../../../protocol/path.ts';
import type { Stay } from './scenario.ts';

/** Of events of a folder of which some are heard, this share gets lost, and as many again come late. */
const SHARE = 0.3;
/** An event comes up to so much later, ms. */
const LATE_MS = 3_000;

/** Loses events of some folders and holds others back, as chance has it, for all that watches them in this process. */
export class MisledWatch {
  readonly #folders = new Map<string, Stay['hears']>();
  readonly #watch = fs.watch;

  constructor() {
    const watch = this.#watch;
    // As the client calls it on Linux.
    const misleading = (path: string, hear: fs.WatchListener<string>): fs.FSWatcher => {
      let isOpen = true;
      const watcher = watch(path, (...event) => {
        const tell = (): void => void (isOpen && hear(...event));
        const hears = this.#hears(path);
        const fate = hears === 'nothing' ? 0 : hears === 'all' ? 1 : Math.random();
        if (fate > 2 * SHARE) tell();
        else if (fate > SHARE) setTimeout(tell, Math.random() * LATE_MS);
      });
      return watcher.on('close', () => {
        isOpen = false;
      });
    };
    this.#replace(misleading as typeof fs.watch);
  }

  /** What is heard of a folder from now on. */
  mislead(folder: string, hears: Stay['hears']): void {
    this.#folders.set(folder, hears);
  }

  close(): void {
    this.#replace(this.#watch);
  }

  #hears(path: string): Stay['hears'] {
    return this.#folders.entries().find(([folder]) => isWithin(path, folder))?.[1] ?? 'all';
  }

  #replace(watch: typeof fs.watch): void {
    fs.watch = watch;
    syncBuiltinESMExports();
  }
}
