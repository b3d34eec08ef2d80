import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { type Account, openAccount, startAll, syncedDevice, until } from './account.ts';

let account: Account;
let device: Device;

beforeEach(async () => {
  account = await openAccount();
  device = await syncedDevice(account, 'writes', { synced: '1' });
  startAll(device);
  await until('it rests', () => device.events.at(-1)?.event === 'idle');
});
afterEach(() => account.close());

const addRule = (rule: string): Promise<void> => appendFile(join(device.folder, '.tidemarkignore'), `${rule}\n`);

/** What the service has once the device has sent a file that came after all others. */
async function sent(): Promise<string[]> {
  await writeFile(join(device.folder, 'last'), 'x');
  await until('the last is there', () => device.events.some((one) => one.event === 'uploaded' && one.path === 'last'));
  await until('it rests', () => device.events.at(-1)?.event === 'idle');
  return device.events.flatMap((one) => (one.event === 'uploaded' || one.event === 'directory' ? [one.path] : []));
}

test.each([0, 150, 400])('what is saved %s ms after its rule stays on the device', async (after) => {
  for (const name of ['first.env', 'second.env', 'third.env']) {
    await addRule(name);
    await sleep(after);
    await writeFile(join(device.folder, name), 'secret');
  }
  await mkdir(join(device.folder, 'built'));
  await addRule('built/');
  await writeFile(join(device.folder, 'built/it'), 'x');
  const there = await sent();
  expect(there).toContain('.tidemarkignore');
  expect(there.filter((path) => path.endsWith('.env') || path === 'built/it')).toEqual([]);
});

test('what is synced and falls under a rule is no problem: it was not renamed', async () => {
  await addRule('synced');
  await sent();
  const status = JSON.parse(await device.run(['status', '--json']));
  expect(status.problems).toEqual([]);
  expect(status.left_out).toContainEqual(expect.objectContaining({ path: 'synced', rule: 'synced', here: true }));
});
