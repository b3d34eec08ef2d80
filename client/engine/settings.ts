import { existsSync } from 'node:fs';
import { type Configuration, readConfiguration } from '../service/config.ts';
import { connections } from '../service/connections.ts';
import { isHeldBack } from './metered-pause.ts';
import { followInstruction } from './wake.ts';

/**
 * What other commands may change of this device's configuration while it syncs, and whether that has it wait now: read
 * at once when it has changed, and every ten seconds, since a connection becomes another one without a word.
 */
export class Settings {
  readonly device: { readonly id: string; name: string };
  readonly #configFolder: string;
  readonly #instructions: { close(): void };
  #present: Configuration | undefined;
  #waits = false;
  #onWaits: () => void = () => undefined;
  readonly #signedOut = new AbortController();

  private constructor(configFolder: string, root: string, configuration: Configuration) {
    this.device = { id: configuration.device_id, name: configuration.device_name };
    this.#configFolder = configFolder;
    this.#present = configuration;
    this.#instructions = followInstruction(root, 'read-configuration', () => void this.#read());
  }

  /** @param configuration as it is now */
  static async follow(configFolder: string, root: string, configuration: Configuration): Promise<Settings> {
    const settings = new Settings(configFolder, root, configuration);
    settings.#waits = await isHeldBack(configuration);
    return settings;
  }

  /** Whether nothing is synced since the connection is metered. */
  get waits(): boolean {
    return this.#waits;
  }

  /** Fires when this device was signed out here, without the service. */
  get signedOut(): AbortSignal {
    return this.#signedOut.signal;
  }

  /** @param look is called when the device begins to wait, and when it goes on; one caller is enough */
  onWaits(look: () => void): void {
    this.#onWaits = look;
  }

  async #read(): Promise<void> {
    // One that cannot be read changes nothing for a sync that runs.
    const present = await readConfiguration(this.#configFolder).catch(() => this.#present);
    this.#present = present;
    // A drive that is away takes the folder along.
    if (!present && existsSync(this.#configFolder)) this.#signedOut.abort();
    if (present?.device_id === this.device.id) {
      this.device.name = present.device_name;
      connections.limit(present.limits ?? {});
    }
    const waits = await isHeldBack(present);
    if (waits === this.#waits) return;
    this.#waits = waits;
    this.#onWaits();
  }

  close(): void {
    this.#instructions.close();
  }
}
