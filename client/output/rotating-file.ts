import { appendFileSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { quietly } from '../common/errors.ts';

/** Lines are written together, after so long. */
const TOGETHER_MS = 500;

/**
 * Lines in a file that never grows beyond a bound: when it is full it becomes the older one, in place of the one before,
 * and a new one begins. Nothing depends on it: where the disk takes nothing, lines are lost. One process writes.
 */
export class RotatingFile {
  readonly #place: string;
  readonly #most: number;
  #lines: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param most bytes of the file, and of the older one */
  constructor(place: string, most: number) {
    this.#place = place;
    this.#most = most;
    process.on('exit', this.flush);
    // What a crash left of a line is not to become part of the next one.
    if (existsSync(place) && !readQuietly(place).endsWith('\n')) this.#lines.push('');
  }

  /** @param line without its end */
  add(line: string): void {
    this.#lines.push(line);
    this.#timer ??= setTimeout(this.flush, TOGETHER_MS).unref();
  }

  readonly flush = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    const text = this.#lines.map((line) => `${line}\n`).join('');
    this.#lines = [];
    quietly(() => {
      const size = statSync(this.#place, { throwIfNoEntry: false })?.size ?? 0;
      if (size > 0 && size + Buffer.byteLength(text) > this.#most) renameSync(this.#place, olderThan(this.#place));
      appendFileSync(this.#place, text, { mode: 0o600 });
    });
  };

  close(): void {
    this.flush();
    process.off('exit', this.flush);
  }
}

/** The lines of a rotating file and of the older one, newest first. */
export function* readNewestFirst(place: string): Generator<string> {
  for (const file of [place, olderThan(place)]) {
    for (const line of readQuietly(file).split('\n').reverse()) if (line !== '') yield line;
  }
}

function olderThan(place: string): string {
  return `${place}.1`;
}

function readQuietly(place: string): string {
  return quietly(() => readFileSync(place, 'utf8')) ?? '';
}
