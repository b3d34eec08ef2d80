import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Device } from '../../local/demo/devices/device.ts';
import { loseAnswer } from '../support/network/faults.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount, startAll, until } from './account.ts';
import { temporaryFolder } from './folder.ts';

let account: Account;
let network: Network;

beforeAll(async () => {
  account = await openAccount();
  network = await account.network();
});
afterAll(() => account.close());

test('a login whose answer is lost registers one device, however often it is tried', async () => {
  const folder = await temporaryFolder();
  const device = new Device('lost', join(folder, 'folder'), join(folder, 'config'));
  const user = await account.caller();
  const count = async (): Promise<number> => ((await user.call('GET', '/devices')).body.devices as unknown[]).length;
  const before = await count();
  network.ways.api.proxy.fail('POST /devices', loseAnswer);
  const { ca } = account.service;
  const login = () => device.signIn({ url: network.url, ca, username: account.username, password: account.password });
  for (let times = 0; times < 2; times++) await expect(login()).rejects.toThrow('does not answer');
  await network.heal();
  await login();
  expect(await count(), 'devices').toBe(before + 1);
});

test('a restore whose answer is lost is done once, says that this is not known, and arrives at once', async () => {
  const desk = await account.device('desk', { network });
  const place = join(desk.folder, 'letter');
  for (const content of ['first', 'second words']) {
    await writeFile(place, content);
    await account.syncOnce(desk);
  }
  startAll(desk);
  await until('it is idle', () => desk.events.at(-1)?.event === 'idle');
  network.ways.api.proxy.fail('POST /restore', loseAnswer);
  const restore = () => desk.run(['restore', place, '--version', '1']);
  await expect(restore()).rejects.toThrow('Whether it was restored is not known');
  await until('the device has it', async () => (await readFile(place, 'utf8')) === 'first');
  await network.heal();
  expect(await restore()).toContain('has the content of version 1 again, as version 3');
  await writeFile(place, 'third');
  await until('it is sent', () => desk.events.some((event) => event.event === 'uploaded' && event.version === 4));
  expect(await restore()).toContain('has the content of version 1 again, as version 5');
});
