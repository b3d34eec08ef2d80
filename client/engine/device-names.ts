import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { replaceFile } from '../common/replace-file.ts';
import type { Api } from '../service/api.ts';
import { deviceNamesPlace } from '../state/places.ts';

const Names = z.record(z.string(), z.string());
export type Names = Readonly<Record<string, string>>;

/** The names of the account's devices are asked for again after so long, when one comes up that is not known. */
const PATIENCE_MS = 10 * 60_000;

/** And after so long in any case, since a device may be given another one. */
const LASTS_MS = 86_400_000;

/** Learns the names of devices whose changes arrive, and keeps them for other commands; nothing depends on that. */
export class DeviceNames {
  readonly #root: string;
  readonly #api: Pick<Api, 'devices'>;
  #known: Names | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(root: string, api: Pick<Api, 'devices'>) {
    this.#root = root;
    this.#api = api;
  }

  /** A change of this device arrived. */
  meet(deviceId: string): void {
    const after = this.#known?.[deviceId] === undefined ? PATIENCE_MS : LASTS_MS;
    if (performance.now() - this.#askedAt < after) return;
    this.#askedAt = performance.now();
    // Without an answer, or room on the disk, the device has no name for now.
    void this.#learn().catch(() => undefined);
  }

  async #learn(): Promise<void> {
    const { devices } = (await this.#api.devices()).body;
    this.#known = Object.fromEntries(devices.map(({ device_id, name }) => [device_id, name]));
    await replaceFile(deviceNamesPlace(this.#root), `${JSON.stringify(this.#known)}\n`, 0o600);
  }
}

/** The names of devices, by their ids, as far as a sync of this folder came to know them. */
export function readDeviceNames(root: string): Names {
  try {
    return Names.parse(JSON.parse(readFileSync(deviceNamesPlace(root), 'utf8')));
  } catch {
    return {};
  }
}
