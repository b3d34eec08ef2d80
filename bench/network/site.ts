import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCloud } from '../../local/cloud/cloud.ts';
import { Device } from '../../local/demo/devices/device.ts';
import { Network } from '../../test/support/network/network.ts';
import { freePorts } from '../../test/support/ports.ts';

/** A local cloud with two devices of one user, both syncing: one of them behind a network that can be bent. */
export interface Site {
  readonly network: Network;
  readonly road: Device;
  readonly desk: Device;
  close(): Promise<void>;
}

/** @param folder holds the app's assembly in `cdk.out`, and takes everything else */
export async function openSite(folder: string): Promise<Site> {
  const data = join(folder, 'cloud');
  const assembly = join(folder, 'cdk.out');
  const cloud = await startCloud({ assembly, data, port: await freePorts(10), log: () => undefined });
  const user = { username: `${randomUUID()}@tidemark.example`, password: 'Correct-horse-1' };
  await cloud.services.createUser(cloud.outputs.UserPoolId!, user);
  const network = await Network.open({ api: cloud.urls.api, data });
  const [road, desk] = ['road', 'desk'].map(
    (name) => new Device(name, join(folder, name), join(folder, 'config', name)),
  );
  const fail = (reason: string): void => {
    throw new Error(reason);
  };
  await road!.signIn({ url: network.url, ca: cloud.ca, ...user });
  await desk!.signIn({ url: cloud.urls.api, ca: cloud.ca, ...user });
  for (const device of [road!, desk!]) device.startSync(fail);
  return {
    network,
    road: road!,
    desk: desk!,
    close: async () => {
      await Promise.all([road!, desk!].map((device) => device.stopSync()));
      await network.close();
      await cloud.stop();
    },
  };
}

/** What takes longer than this, seconds, counts as this. */
const PATIENCE_S = 120;

/** Saves a file on one device; answers how many seconds later, or after `from`, the other one has it. */
export async function secondsUntilThere(from: Device, to: Device, since?: number): Promise<number> {
  const name = randomUUID();
  const begin = since ?? performance.now();
  await writeFile(join(from.folder, name), name);
  return secondsUntilHas(to, name, begin);
}

export async function secondsUntilHas(
  device: Device,
  name: string,
  begin: number,
  patience = PATIENCE_S,
): Promise<number> {
  const end = begin + 1000 * patience;
  while (performance.now() < end) {
    const there = await readFile(join(device.folder, name)).catch(() => undefined);
    if (there !== undefined) break;
    await sleep(20);
  }
  return (performance.now() - begin) / 1000;
}
