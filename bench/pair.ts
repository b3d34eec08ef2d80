import { randomUUID } from 'node:crypto';
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCloud } from '../local/cloud/cloud.ts';
import { Device } from '../local/demo/devices/device.ts';
import { firstDifference, listing } from '../local/demo/tour/folders.ts';
import { freePorts } from '../test/support/ports.ts';
import { scratch } from '../test/support/scratch.ts';
import { assemblyOf } from '../test/support/synthesis.ts';

/** Two devices of one user on a local cloud, both syncing. */
export interface Pair {
  readonly desk: Device;
  readonly attic: Device;
  /** For what is not to be synced. */
  readonly folder: string;
  /** Waits until both hold the same and rest; answers how many seconds that took. */
  untilEqual(): Promise<number>;
  /** Stops a device, and starts it with these variables as well. */
  restart(device: Device, variables: Readonly<Record<string, string>>): Promise<void>;
}

interface PairOptions {
  /** Of Node, for the devices. */
  readonly node?: readonly string[];
}

/** Runs `work` on two devices, and stops and removes all afterwards. */
export async function withPair<Result>(
  { node = [] }: PairOptions,
  work: (pair: Pair) => Promise<Result>,
): Promise<Result> {
  const folder = await scratch('tidemark-bench-');
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 5 })];
  try {
    const assembly = await assemblyOf({ profile: 'team' });
    const options = { assembly, data: join(folder, 'cloud'), log: () => undefined };
    const cloud = await startCloud({ ...options, port: await freePorts(10) });
    ends.push(() => cloud.stop());
    const user = { username: `${randomUUID()}@tidemark.example`, password: 'Correct-horse-1' };
    await cloud.services.createUser(cloud.outputs.UserPoolId!, user);
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    const fail = (reason: string): void => failed.reject(new Error(reason));
    const start = async (name: string): Promise<Device> => {
      const device = new Device(name, join(folder, name), join(folder, 'config', name), { node });
      await device.signIn({ url: cloud.urls.api, ca: cloud.ca, ...user });
      device.startSync(fail);
      ends.push(() => device.stopSync());
      return device;
    };
    const [desk, attic] = [await start('desk'), await start('attic')];
    const restart = async (device: Device, variables: Readonly<Record<string, string>>): Promise<void> => {
      await device.stopSync();
      Object.assign(process.env, variables);
      device.startSync(fail);
      for (const name of Object.keys(variables)) delete process.env[name];
    };
    const untilEqual = (): Promise<number> => Promise.race([waitForEqual(desk, attic), failed.promise]);
    return await Promise.race([work({ desk, attic, folder, untilEqual, restart }), failed.promise]);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** Paths, and sizes of files, which is cheap; empty when something went away meanwhile. */
async function sketch(folder: string): Promise<string> {
  try {
    const lines = (await listing(folder)).map(async (path) =>
      path.endsWith('/') ? path : `${path} ${(await lstat(join(folder, path))).size}`,
    );
    return (await Promise.all(lines)).join('\n');
  } catch {
    return '';
  }
}

/** When nothing has changed at the other device for so long, ms, nothing will. */
const PATIENCE_MS = 5 * 60_000;

/** Waits until two devices hold the same and rest; answers how many seconds that took. */
export async function waitForEqual(one: Device, other: Device): Promise<number> {
  const begin = performance.now();
  let [last, seen, movedAt] = ['', '', begin];
  for (;;) {
    const rests = [one, other].every(({ events }) => events.at(-1)?.event === 'idle');
    const [mine, theirs] = await Promise.all([one, other].map(({ folder }) => sketch(folder)));
    const seconds = (performance.now() - begin) / 1000;
    // The same twice: what is written right now has not been noticed yet.
    if (rests && mine !== '' && mine === theirs && mine === last) {
      if ((await firstDifference(one.folder, other.folder)) === undefined) return seconds;
    }
    last = mine ?? '';
    if (theirs !== seen) [seen, movedAt] = [theirs ?? '', performance.now()];
    if (performance.now() - movedAt > PATIENCE_MS) {
      const difference = await firstDifference(one.folder, other.folder);
      throw new Error(
        `the folders are not equal after ${PATIENCE_MS / 60_000} minutes: ${difference ?? 'a device does not rest'}`,
      );
    }
    await sleep(Math.max(250, performance.now() - begin - 1000 * seconds));
  }
}
