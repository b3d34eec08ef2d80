import { createHash, randomUUID } from 'node:crypto';
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../../client/common/errors.ts';
import { runSync } from '../../../client/engine/run.ts';
import { State } from '../../../client/state/state.ts';
import { stateFolder } from '../../../protocol/reserved-name.ts';
import type { Disk } from '../../support/fuse/disk.ts';
import { answer, cutAnswer, late, loseAnswer, loseRequest, repeat } from '../../support/network/faults.ts';
import type { Fault } from '../../support/network/http-proxy.ts';
import type { Network } from '../../support/network/network.ts';
import type { User } from '../../support/user.ts';
import type { Edit, fates, Run } from './scenario.ts';

/** Contents by their paths; a directory is one. */
export type Contents = ReadonlyMap<string, string>;

const DIRECTORY = 'a directory';

const faults: Readonly<Record<(typeof fates)[number], Fault>> = {
  'loses the call': loseRequest,
  'loses the answer': loseAnswer,
  'cuts the answer': cutAnswer,
  repeats: repeat,
  'is late': late(150),
  throttles: answer(429, { code: 'throttled', message: 'later' }),
};

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
  #hasCopy = false;

  private constructor(site: Site, user: User, name: string) {
    this.#site = site;
    this.#user = user;
    this.folder = join(site.place, `${user.device} ${name}`);
    this.#copy = `${this.folder} copy`;
    this.#device.name = name;
  }

  static async open(site: Site, user: User, name: string): Promise<Machine> {
    const machine = new Machine(site, user, name);
    await mkdir(machine.folder);
    await user.call('POST', '/devices', { device_id: machine.#device.id, name });
    return machine;
  }

  async close(): Promise<void> {
    for (const folder of [this.folder, this.#copy]) await rm(folder, { recursive: true, force: true });
  }

  /** Syncs once, whatever comes in between. @returns whether all of the folder is in sync */
  async sync({ network, disk, stopMs }: Omit<Run, 'who'> = {}): Promise<boolean> {
    const stop = new AbortController();
    const timer = stopMs === undefined ? undefined : setTimeout(() => stop.abort(), stopMs);
    if (network) this.#failOnce(network);
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

  #failOnce({ way, route, fate, isGone }: NonNullable<Run['network']>): void {
    const { proxy } = this.#site.network.ways[way];
    const once: Fault = (exchange) => {
      if (isGone) proxy.fail('', loseRequest);
      return faults[fate](exchange);
    };
    proxy.fail(way === 'api' ? route : '', once, 1);
  }

  /** As far as the file system allows it. @param number makes the content another one than any other */
  async edit(change: Edit, number: number): Promise<void> {
    const place = join(this.folder, change.path);
    try {
      if (change.do === 'remove') return await rm(place, { recursive: true });
      if (change.do === 'append') return await appendFile(place, `and ${number}\n`, { flag: 'r+' });
      const target = change.do === 'move' ? join(this.folder, change.to) : place;
      await mkdir(dirname(target), { recursive: true });
      if (change.do === 'move') await rename(place, target);
      else await writeFile(place, contentOf(number, change.kilobytes));
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    }
  }

  async keep(): Promise<void> {
    await rm(this.#copy, { recursive: true, force: true });
    await cp(this.folder, this.#copy, { recursive: true, preserveTimestamps: true });
    this.#hasCopy = true;
  }

  /** @returns whether there was a copy */
  async bringBack(): Promise<boolean> {
    if (!this.#hasCopy) return false;
    await rm(this.folder, { recursive: true });
    await cp(this.#copy, this.folder, { recursive: true, preserveTimestamps: true });
    return true;
  }

  /** The SHA-256 of every file by its path, and directories. */
  async contents(): Promise<Contents> {
    const found: [string, string][] = [];
    for (const entry of await readdir(this.folder, { recursive: true, withFileTypes: true })) {
      const at = join(entry.parentPath, entry.name).slice(this.folder.length + 1);
      if (at.startsWith(stateFolder)) continue;
      const isFile = entry.isFile();
      found.push([at, isFile ? sha256(await readFile(join(this.folder, at))) : DIRECTORY]);
    }
    return new Map(found.sort());
  }
}

/** Those of files. */
export function filesOf(contents: Contents): Set<string> {
  return new Set([...contents.values()].filter((content) => content !== DIRECTORY));
}

/** No two alike, and nothing that packs well. */
function contentOf(number: number, kilobytes: number): Buffer {
  const parts = [Buffer.from(`content ${number}\n`)];
  for (let part = 0; part < kilobytes * 32; part++)
    parts.push(createHash('sha256').update(`${number} ${part}`).digest());
  return Buffer.concat(parts);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
