import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { MovingFiles } from './moving-files.ts';
import { Pace } from './pace.ts';
import { LiveTerminal, type Terminal } from './terminal.ts';

/** What moves now, on the last lines of a terminal: all together, and each file that takes long. */
export class LiveView {
  readonly #terminal: LiveTerminal;
  readonly #pace = new Pace();
  readonly #moving = new MovingFiles();
  #looking: string | undefined;

  constructor(output: Terminal) {
    this.#terminal = new LiveTerminal(output);
  }

  say(line: string): void {
    this.#terminal.say(line);
  }

  note(event: SyncEvent): void {
    this.#pace.note(event);
    if (event.event === 'scan') this.#looking = event.done ? undefined : `      looking at ${event.files} files`;
    else if (event.event === 'progress' || event.event === 'reading') this.#moving.note(event.path, event);
    else if (event.event === 'idle') this.#moving.clear();
    else if ('path' in event && event.path !== undefined) this.#moving.delete(event.path);
    this.#terminal.show(this.#lines());
  }

  #lines(): string[] {
    const { bytes, of } = this.#pace.sum;
    const files = this.#moving.lines();
    return [
      ...(this.#looking === undefined ? [] : [this.#looking]),
      ...(bytes < of ? [`      ${this.#pace.describe()}`] : []),
      ...files,
    ];
  }
}
