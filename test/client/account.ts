import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject } from 'vitest';
import { openFolder } from '../../client/engine/folder.ts';
import { runSync } from '../../client/engine/run.ts';
import type { Report } from '../../client/output/report.ts';
import { keepAccessTokens } from '../../client/service/access-token.ts';
import { type Api, createApi } from '../../client/service/api.ts';
import { loadConfiguration } from '../../client/service/config.ts';
import type { Sync } from '../../client/steps/context.ts';
import { Device } from '../../local/demo/devices/device.ts';
import { firstDifference } from '../../local/demo/tour/folders.ts';
import type { Whereabouts } from '../service/support/keeper.ts';
import { ask, shardOf } from '../service/support/service.ts';
import { Network } from '../support/network/network.ts';
import { signIn, User } from '../support/user.ts';
import { openSync } from './open-sync.ts';

/** Where a device is, other than where all are. */
interface Whereabout {
  readonly place?: string;
  readonly configuration?: string;
  /** The network that it reaches the service through. */
  readonly network?: Network;
}

/** A fresh user of a running service, and the devices of this user. */
export interface Account {
  /** A signed-in device that does not sync yet; its folder and configuration go away with the account unless given. */
  device(name: string, at?: Whereabout): Promise<Device>;
  /** A network between this account's devices and the service, which goes away with the account. */
  network(): Promise<Network>;
  /** Brings a device's folder and the service together in this process, as `tidemark sync --once` does. */
  syncOnce(device: Device, report?: Report): Promise<void>;
  /**
   * What the steps of a device work on, in this process; `replace` puts others in the place of some routes. The test
   * closes its state.
   */
  openSync(device: Device, replace?: (api: Api) => Partial<Api>, report?: Report): Promise<Sync>;
  /** The words before those of a `tidemark` command of a device, for a process that the test itself starts. */
  commandOf(device: Device): string[];
  /** The same user, talking to the service without a client. */
  caller(): Promise<User>;
  /** Stops the devices and removes their folders. */
  close(): Promise<void>;
  /** Where the service keeps the user's metadata. */
  metadata(): Promise<ReturnType<typeof shardOf>>;
  /** By which the user signs in. */
  readonly username: string;
  readonly password: string;
  /** The service's address, and the file of its CA. */
  readonly service: Pick<Whereabouts, 'api' | 'ca'>;
}

export async function openAccount(): Promise<Account> {
  const credentials = { username: `${randomUUID()}@tidemark.example`, password: 'Correct-horse-1' };
  await ask('/users', credentials);
  const { api, ca, data } = await ask<Whereabouts>('/');
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-account-'));
  const devices: Device[] = [];
  const networks: Network[] = [];
  const program = inject('program');
  const config = (name: string): string => join(folder, 'config', name);
  return {
    device: async (name, { place = join(folder, name), configuration = config(name), network } = {}) => {
      const device = new Device(name, place, configuration, { program });
      await device.signIn({ url: network?.url ?? api, ca, ...credentials });
      devices.push(device);
      return device;
    },
    network: async () => {
      const network = await Network.open({ api, data });
      networks.push(network);
      return network;
    },
    close: async () => {
      await Promise.all(devices.map((device) => device.stopSync()));
      await Promise.all(networks.map((network) => network.close()));
      await rm(folder, { recursive: true });
    },
    syncOnce: async ({ name, folder: place }, report = () => undefined) => {
      const configuration = await loadConfiguration(config(name));
      const { root, state } = await openFolder(config(name), configuration, place, false);
      const tokens = keepAccessTokens(config(name), configuration);
      const { signal } = new AbortController();
      const device = { id: configuration.device_id, name };
      const parts = { root, state, configuration, device, tokens, report, signal, apart: new Set<string>() };
      await runSync({ ...parts, once: true, allowMassDelete: true }).finally(() => state.close());
    },
    openSync: async ({ name, folder: root }, replace = () => ({}), report = undefined) => {
      const configuration = await loadConfiguration(config(name));
      const api = createApi(configuration.api_url, keepAccessTokens(config(name), configuration));
      const device = { id: configuration.device_id, name: configuration.device_name };
      return await openSync(root, { ...api, ...replace(api) }, device, report);
    },
    commandOf: ({ name }) => [program, '--config', config(name)],
    caller: async () => {
      const user = new User(api, await signIn(api, credentials), credentials);
      await user.call('POST', '/devices', { device_id: user.device, name: 'caller' });
      return user;
    },
    metadata: async () => shardOf(new User(api, await signIn(api, credentials))),
    ...credentials,
    service: { api, ca },
  };
}

/** Keeps the devices syncing until the test ends; one that stops by itself fails the test. */
export function startAll(...devices: readonly Device[]): void {
  for (const device of devices) device.startSync((reason) => expect.fail(reason));
}

/** Waits until `holds` answers true, `seconds` at most. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(30);
  }
}

/** A device's folder, or a folder inside that. */
export type Place = Pick<Device, 'folder' | 'events'>;

/** Waits until all places hold the same, byte by byte, and their devices have nothing left to do. */
export async function untilEqual(first: Place, ...others: readonly Place[]): Promise<void> {
  const isIdle = ({ events }: Place): boolean => events.at(-1)?.event === 'idle';
  await until('all folders are equal', async () => {
    if (![first, ...others].every(isIdle)) return false;
    for (const other of others) if (await differ(first, other)) return false;
    return true;
  });
}

/** A file that goes away while it is compared makes a difference, too. */
async function differ(one: Place, other: Place): Promise<boolean> {
  return (await firstDifference(one.folder, other.folder).catch((error: Error) => error.message)) !== undefined;
}

/** A signed-in device whose folder holds these files, all of them synced. */
export async function syncedDevice(account: Account, name: string, files: Record<string, string>): Promise<Device> {
  const device = await account.device(name);
  for (const [path, content] of Object.entries(files)) await writeFile(join(device.folder, path), content);
  await device.run(['sync', device.folder, '--once']);
  return device;
}
