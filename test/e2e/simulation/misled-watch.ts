import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isWithin } from '../../../protocol/path.ts';
import type { Stay } from './scenario.ts';

/** Of events of a folder of which some are heard, this share gets lost, and as many again come late. */
const SHARE = 0.3;
/** An event comes up to so much later, ms. */
const LATE_MS = 3_000;

type Hears = Stay['hears'];

/** Loses events of some folders and holds others back, as chance has it, for all that watches them in this process. */
export class MisledWatch {
  readonly #folders = new Map<string, Hears>();
  readonly #watch = fs.watch;

  constructor() {
    const watch = this.#watch;
    // As the client calls it on Linux; elsewhere all is heard.
    const misleading = (path: string, hear: fs.WatchListener<string>, ...more: []): fs.FSWatcher => {
      if (typeof hear !== 'function') return watch(path, hear, ...more);
      let isOpen = true;
      const watcher = watch(path, (...event) => {
        this.#pass(path, () => {
          if (isOpen) hear(...event);
        });
      });
      return watcher.on('close', () => {
        isOpen = false;
      });
    };
    this.#replace(misleading as typeof fs.watch);
  }

  /** What is heard of a folder from now on. */
  mislead(folder: string, hears: Hears): void {
    if (hears === 'all') this.#folders.delete(folder);
    else this.#folders.set(folder, hears);
  }

  close(): void {
    this.#replace(this.#watch);
  }

  #pass(path: string, tell: () => void): void {
    const hears = this.#folders.entries().find(([folder]) => isWithin(path, folder))?.[1] ?? 'all';
    const drawn = { all: () => 1, some: () => Math.random(), nothing: () => 0 }[hears]();
    if (drawn >= 2 * SHARE) tell();
    else if (drawn >= SHARE) setTimeout(tell, Math.random() * LATE_MS);
  }

  #replace(watch: typeof fs.watch): void {
    fs.watch = watch;
    syncBuiltinESMExports();
  }
}
