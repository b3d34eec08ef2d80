import cliTruncate from 'cli-truncate';
import { createLogUpdate } from 'log-update';
import { printable } from '../common/format.ts';

/** One of which nobody said how large it is has no columns and rows. */
export interface Terminal {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
}

/** A terminal whose last lines are written again and again, and whose others scroll by above them. */
export class LiveTerminal {
  readonly #output: Terminal;
  readonly #update: ReturnType<typeof createLogUpdate>;
  #live: readonly string[] = [];

  constructor(output: Terminal) {
    this.#output = output;
    const sized = {
      isTTY: true,
      write: (text: string) => output.write(text),
      get columns() {
        return output.columns || 80;
      },
      get rows() {
        return output.rows || 24;
      },
    };
    this.#update = createLogUpdate(sized as unknown as NodeJS.WritableStream, { showCursor: true });
  }

  /** A line that stays. */
  say(line: string): void {
    this.#update.clear();
    this.#output.write(`${printable(line)}\n`);
    this.#draw();
  }

  /** The last lines from now on, each cut to fit. */
  show(lines: readonly string[]): void {
    this.#live = lines;
    this.#draw();
  }

  #draw(): void {
    const columns = (this.#output.columns || 80) - 1;
    const lines = this.#live.map((line) => cliTruncate(printable(line), columns));
    if (lines.length === 0) this.#update.clear();
    else this.#update(lines.join('\n'));
  }
}
