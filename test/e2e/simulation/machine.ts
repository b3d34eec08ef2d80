import { randomUUID } from 'node:crypto';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runSync } from '../../../client/engine/run.ts';
import { State } from '../../../client/state/state.ts';
import { stateFolder } from '../../../protocol/reserved-name.ts';
import type { Disk } from '../../support/fuse/disk.ts';
import type { Network } from '../../support/network/network.ts';
import type { User } from '../../support/user.ts';
import { type Contents, contentsOf } from './contents.ts';
import { disturb } from './disturb.ts';
import { carryOut, type Edited } from './edit.ts';
import type { Edit, Run } from './scenario.ts';

/** The places that a machine has for as long as simulations run. */
export interface Site {
  readonly network: Network;
  /** One that fails as it is told; an ordinary one otherwise. */
  readonly disk: Disk | undefined;
  /** Where its folders lie. */
  readonly place: string;
}

/** A device with its folder: the real client's engine in this process, on its own network and disk. */
export class Machine {
  readonly folder: string;
  readonly #site: Site;
  readonly #user: User;
  readonly #device = { id: randomUUID(), name: 'device' };
  readonly #copy: string;
  readonly #trash: string;
  #hasCopy = false;

  private constructor(site: Site, user: User, name: string) {
    this.#site = site;
    this.#user = user;
    this.folder = join(site.place, `${user.device} ${name}`);
    this.#copy = `${this.folder} copy`;
    this.#trash = `${this.folder} trash`;
    this.#device.name = name;
  }

  static async open(site: Site, user: User, name: string): Promise<Machine> {
    const machine = new Machine(site, user, name);
    for (const folder of [machine.folder, machine.#trash]) await mkdir(folder);
    await user.call('POST', '/devices', { device_id: machine.#device.id, name });
    return machine;
  }

  async close(): Promise<void> {
    for (const folder of [this.folder, this.#copy, this.#trash]) await rm(folder, { recursive: true, force: true });
  }

  /**
   * Syncs once, whatever comes in between.
   * @param edit carries out what the user does meanwhile
   * @returns whether all of the folder is in sync, but for what was done meanwhile
   */
  async sync({ network, disk, stopMs, meanwhile }: Omit<Run, 'who'>, edit: () => void): Promise<boolean> {
    const stop = new AbortController();
    const timer = stopMs === undefined ? undefined : setTimeout(() => stop.abort(), stopMs);
    disturb(this.#site.network, { network, meanwhile }, edit);
    if (disk) await this.#failDisk(disk);
    try {
      await this.#run(stop.signal);
      return !stop.signal.aborted;
    } catch (error) {
      // Whatever it ends with has a name: nothing here throws what nobody thought of.
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      return false;
    } finally {
      clearTimeout(timer);
      await this.#site.network.heal();
      await this.#site.disk?.heal();
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const state = new State(this.folder);
    const { url, ways } = this.#site.network;
    const configuration = {
      api_url: url,
      socket_url: `wss://127.0.0.1:${ways.socket.relay.port}`,
      provider_url: url,
      client_id: 'simulation',
      username: 'simulation',
      refresh_token: '',
      device_id: this.#device.id,
      device_name: this.#device.name,
    };
    try {
      await runSync({
        ...{ root: this.folder, state, configuration, device: this.#device, signal },
        tokens: { token: async () => this.#user.token },
        report: () => undefined,
        once: true,
        allowMassDelete: true,
        apart: new Set(),
      });
    } finally {
      state.close();
    }
  }

  async #failDisk({ where, ...fault }: NonNullable<Run['disk']>): Promise<void> {
    const path = `^/${this.#user.device} [^/]*/${where === 'files' ? `(?!${stateFolder}/)` : ''}`;
    await this.#site.disk?.fail({ ...fault, path });
  }

  /** As far as the file system allows it. @param number makes the content another one than any other */
  edit(change: Edit, number: number): Edited {
    return carryOut(change, { folder: this.folder, trash: join(this.#trash, `${number}`), number });
  }

  async keep(): Promise<void> {
    await rm(this.#copy, { recursive: true, force: true });
    await cp(this.folder, this.#copy, { recursive: true, preserveTimestamps: true });
    this.#hasCopy = true;
  }

  /** As far as there is a copy. */
  async bringBack(): Promise<void> {
    if (!this.#hasCopy) return;
    await rm(this.folder, { recursive: true });
    await cp(this.#copy, this.folder, { recursive: true, preserveTimestamps: true });
  }

  contents(): Promise<Contents> {
    return contentsOf(this.folder);
  }
}
