import { formatTime } from '../common/format.ts';
import { sleep } from '../common/waits.ts';
import { describeEvent } from '../output/human-report.ts';
import { readLog } from '../output/log-book.ts';
import { MovingFiles } from '../output/moving-files.ts';
import { describePace } from '../output/pace.ts';
import { Rate } from '../output/rate.ts';
import { LiveTerminal, type Terminal } from '../output/terminal.ts';
import { logPlace } from '../state/places.ts';
import { describeState, type Present, present } from './overview.ts';

const INTERVAL_MS = 1_000;
/** Changes that are shown. */
const MOST_CHANGES = 8;

/** Shows how the sync of a folder gets on, as its process says, until the signal. */
export async function showLive(
  root: string,
  configFolder: string,
  { output, signal }: { readonly output: Terminal; readonly signal: AbortSignal },
): Promise<void> {
  const terminal = new LiveTerminal(output);
  const view = new StatusView(root);
  while (!signal.aborted) {
    terminal.show(view.lines(await present(root, configFolder), performance.now()));
    await sleep(INTERVAL_MS, signal);
  }
}

/** The lines of a folder's status, from one look to the next. */
export class StatusView {
  readonly #root: string;
  readonly #files = new MovingFiles();
  #sum = { of: 0, bytes: 0, rate: new Rate() };

  constructor(root: string) {
    this.#root = root;
  }

  /** @param now ms */
  lines(seen: Present, now: number): string[] {
    const { transfers = [], moving, trouble } = seen;
    this.#files.keepOnly(new Set(transfers.map(({ path }) => path)));
    for (const transfer of transfers) this.#files.note(transfer.path, transfer, now);
    return [
      `${this.#root}: ${describeState(seen)}`,
      ...(trouble ? [`stopped by this machine: ${trouble.message}`] : []),
      ...(moving ? [this.#describe(moving, now)] : []),
      ...this.#files.lines(),
      ...this.#lastChanges(),
    ];
  }

  #describe({ bytes, of }: NonNullable<Present['moving']>, now: number): string {
    const isSame = of === this.#sum.of && bytes >= this.#sum.bytes;
    const rate = isSame ? this.#sum.rate : new Rate();
    rate.note(bytes, now);
    this.#sum = { of, bytes, rate };
    return `      ${describePace({ bytes, of }, rate)}`;
  }

  #lastChanges(): string[] {
    const lines: string[] = [];
    for (const { at, happened } of readLog(logPlace(this.#root))) {
      const text = describeEvent(happened);
      if (text !== undefined) lines.push(`${formatTime(at)}  ${text}`);
      if (lines.length === MOST_CHANGES) break;
    }
    return lines.length === 0 ? [] : ['', ...lines.reverse()];
  }
}
