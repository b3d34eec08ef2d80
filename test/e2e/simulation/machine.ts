import { randomUUID } from 'node:crypto';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EngineOptions, runSync } from '../../../client/engine/run.ts';
import { State } from '../../../client/state/state.ts';
import type { SyncEvent } from '../../../protocol/output/sync-event.ts';
import { stateFolder } from '../../../protocol/reserved-name.ts';
import type { Disk } from '../../support/fuse/disk.ts';
import type { Network } from '../../support/network/network.ts';
import type { InjectedTime } from '../../support/time/injected-time.ts';
import type { User as Person } from '../../support/user.ts';
import { type Contents, contentsOf } from './contents.ts';
import { disturb } from './disturb.ts';
import { carryOut, type Edited } from './edit.ts';
import type { MisledWatch } from './misled-watch.ts';
import type { Edit, Run, Stay } from './scenario.ts';

/** The places that a machine has for as long as simulations run. */
export interface Site {
  readonly network: Network;
  /** One that fails as it is told; an ordinary one otherwise. */
  readonly disk: Disk | undefined;
  /** Where its folders lie. */
  readonly place: string;
  /** Of all machines. */
  readonly time: InjectedTime;
  readonly watch: MisledWatch;
}

/** What a device's user does while it syncs, once each. */
export interface User {
  /** At the call that the run names. */
  readonly meanwhile: () => void;
  /** After half of the while for which it goes on. */
  readonly atHalf: () => void;
}

/** A device with its folder: the real client's engine in this process, on its own network and disk. */
export class Machine {
  readonly folder: string;
  readonly #site: Site;
  readonly #user: Person;
  readonly #device: { readonly id: string; readonly name: string };
  readonly #random: () => number;
  readonly #copy: string;
  readonly #trash: string;
  #hasCopy = false;

  private constructor(site: Site, user: Person, { name, random }: { name: string; random: () => number }) {
    this.#site = site;
    this.#user = user;
    this.#random = random;
    this.#device = { id: randomUUID(), name };
    this.folder = join(site.place, `${user.device} ${name}`);
    this.#copy = `${this.folder} copy`;
    this.#trash = `${this.folder} trash`;
  }

  /** @param random what it leaves to chance: numbers of at least 0, and below 1 */
  static async open(site: Site, user: Person, name: string, random: () => number): Promise<Machine> {
    const machine = new Machine(site, user, { name, random });
    for (const folder of [machine.folder, machine.#trash]) await mkdir(folder);
    await user.call('POST', '/devices', { device_id: machine.#device.id, name });
    return machine;
  }

  async close(): Promise<void> {
    for (const folder of [this.folder, this.#copy, this.#trash]) await rm(folder, { recursive: true, force: true });
  }

  /** Syncs once or for a while, whatever comes in between. Answers whether it came to its end, with nothing left out. */
  async sync(run: Omit<Run, 'who'>, user: User): Promise<boolean> {
    const { network, time, watch } = this.#site;
    const { disk, stays, stopMs } = run;
    disturb(network, run, user.meanwhile);
    if (disk) await this.#failDisk(disk);
    watch.mislead(this.folder, stays?.hears ?? 'all');
    const work = (): Promise<boolean> => (stays ? this.#stay(stays, stopMs, user) : this.#syncOnce(stopMs));
    try {
      return await time.run(this.#random, work);
    } catch (error) {
      // Whatever it ends with has a name: nothing here throws what nobody thought of.
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      return false;
    } finally {
      watch.mislead(this.folder, 'all');
      await network.heal();
      await this.#site.disk?.heal();
    }
  }

  async #syncOnce(stopMs: number | undefined): Promise<boolean> {
    const stop = new AbortController();
    const timer = stopMs === undefined ? undefined : setTimeout(() => stop.abort(), stopMs);
    try {
      await this.#run(stop.signal, { once: true, report: () => undefined });
      return !stop.signal.aborted;
    } finally {
      clearTimeout(timer);
    }
  }

  async #stay({ seconds }: Stay, stopMs: number | undefined, user: User): Promise<boolean> {
    const stop = new AbortController();
    let rests = false;
    const report = (event: SyncEvent): void => {
      rests = event.event === 'idle' && event.left_out === 0;
    };
    const half = setTimeout(user.atHalf, seconds * 500);
    const end = setTimeout(() => stop.abort(), Math.min(stopMs ?? Number.POSITIVE_INFINITY, seconds * 1000));
    try {
      await this.#run(stop.signal, { once: false, report });
      return rests && stopMs === undefined;
    } finally {
      clearTimeout(half);
      clearTimeout(end);
    }
  }

  async #run(signal: AbortSignal, how: Pick<EngineOptions, 'once' | 'report'>): Promise<void> {
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
        ...how,
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
