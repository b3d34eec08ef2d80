import { ClientError } from '../common/errors.ts';
import { describePause } from '../common/format.ts';
import { sleep } from '../common/waits.ts';
import type { Report } from '../output/report.ts';
import { readPause } from '../state/pause.ts';
import { endOf, type SyncPause } from './metered-pause.ts';
import type { Settings } from './settings.ts';
import { followInstruction } from './wake.ts';

/** So often it is looked whether a pause is over. */
const LOOK_MS = 10_000;

interface PausesOptions {
  readonly root: string;
  /** Whether this device waits for a connection that is not metered. */
  readonly settings: Pick<Settings, 'waits' | 'onWaits'>;
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
  const { root, settings, report, signal, once } = options;
  const pauses = new Pauses(root, settings);
  try {
    while (!signal.aborted) {
      if (pauses.pause && once)
        throw new ClientError('paused', `${describePause(pauses.pause)}: run '${endOf(pauses.pause)}'`);
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

/** Follows what is written down of the pause of a folder, and whether its device waits for another connection. */
class Pauses {
  readonly #root: string;
  readonly #settings: PausesOptions['settings'];
  readonly #instructions: { close(): void };
  #begun = new AbortController();
  #changed = new AbortController();

  constructor(root: string, settings: PausesOptions['settings']) {
    this.#root = root;
    this.#settings = settings;
    this.#instructions = followInstruction(root, 'read-pause', this.#look);
    settings.onWaits(this.#look);
  }

  get pause(): SyncPause | undefined {
    return readPause(this.#root) ?? (this.#settings.waits ? { metered: true } : undefined);
  }

  readonly #look = (): void => {
    if (this.pause) this.#begun.abort();
    this.#changed.abort();
  };

  /** Fires when a pause begins. */
  nextBegin(): AbortSignal {
    this.#begun = new AbortController();
    if (this.pause) this.#begun.abort();
    return this.#begun.signal;
  }

  /** Waits until the folder is not paused, or the signal fires. Returns whether it was paused. */
  async pass(report: Report, signal: AbortSignal): Promise<boolean> {
    let told: SyncPause | undefined;
    for (let pause = this.pause; pause && !signal.aborted; pause = this.pause) {
      if (!told || told.until !== pause.until || told.metered !== pause.metered) report({ event: 'paused', ...pause });
      told = pause;
      this.#changed = new AbortController();
      // By the clock on the wall, which goes on while the machine sleeps: it is looked at again and again.
      const rest = pause.until === undefined ? LOOK_MS : Math.max(0, pause.until - Date.now());
      await sleep(Math.min(LOOK_MS, rest), AbortSignal.any([signal, this.#changed.signal]));
    }
    return told !== undefined;
  }

  close(): void {
    this.#instructions.close();
  }
}
