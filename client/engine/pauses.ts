import { ClientError } from '../common/errors.ts';
import { describePause } from '../common/format.ts';
import { sleep } from '../common/waits.ts';
import type { Report } from '../output/report.ts';
import { type Pause, readPause } from '../state/pause.ts';
import { watchInstructions } from './wake.ts';

/** So often it is looked whether the folder is paused, where no instruction arrives. */
const LOOK_MS = 10_000;

interface PausesOptions {
  readonly root: string;
  readonly report: Report;
  /** Ends the sync. */
  readonly signal: AbortSignal;
  /** Whether the sync is to end, so that nothing is waited for. */
  readonly once: boolean;
}

/**
 * Syncs a folder for as long as it is not paused. A pause ends what is under way as any end of a sync does, so that
 * afterwards it goes on as after a restart: with a look at everything, and with all that happened meanwhile.
 *
 * @param work syncs until its signal fires, or until it is done
 * @throws ClientError `paused` in a sync that is to end
 */
export async function whileNotPaused(
  options: PausesOptions,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { root, report, signal, once } = options;
  const pauses = new Pauses(root);
  try {
    while (!signal.aborted) {
      if (pauses.pause && once)
        throw new ClientError('paused', `${describePause(pauses.pause)}: run 'tidemark resume'`);
      if (await pauses.pass(report, signal)) report({ event: 'resumed' });
      if (signal.aborted) return;
      const begun = pauses.nextBegin();
      await work(AbortSignal.any([signal, begun]));
      if (!begun.aborted) return;
    }
  } finally {
    pauses.close();
  }
}

/** Follows what is written down of the pause of a folder. */
class Pauses {
  readonly #root: string;
  readonly #instructions: { close(): void };
  readonly #timer: NodeJS.Timeout;
  #begun = new AbortController();
  #changed = new AbortController();

  constructor(root: string) {
    this.#root = root;
    const look = (): void => {
      if (this.pause) this.#begun.abort();
      this.#changed.abort();
    };
    this.#instructions = watchInstructions(root, { 'read-pause': look });
    this.#timer = setInterval(look, LOOK_MS);
  }

  get pause(): Pause | undefined {
    return readPause(this.#root);
  }

  /** Fires when a pause begins. */
  nextBegin(): AbortSignal {
    this.#begun = new AbortController();
    if (this.pause) this.#begun.abort();
    return this.#begun.signal;
  }

  /** Waits until the folder is not paused, or the signal fires. Returns whether it was paused. */
  async pass(report: Report, signal: AbortSignal): Promise<boolean> {
    let told: Pause | undefined;
    for (let pause = this.pause; pause && !signal.aborted; pause = this.pause) {
      if (!told || told.until !== pause.until) report({ event: 'paused', ...pause });
      told = pause;
      this.#changed = new AbortController();
      // By the clock on the wall, which goes on while the machine sleeps: it is looked at again and again.
      const rest = pause.until === undefined ? LOOK_MS : Math.max(0, pause.until - Date.now());
      await sleep(Math.min(LOOK_MS, rest), AbortSignal.any([signal, this.#changed.signal]));
    }
    return told !== undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#instructions.close();
  }
}
