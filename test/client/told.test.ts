import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Account, openAccount, syncedDevice, until } from './account.ts';

let account: Account;

beforeAll(async () => {
  account = await openAccount();
});
afterAll(async () => {
  await account.close();
});

test('what a person is told in words, a program is told in JSON', async () => {
  const device = await syncedDevice(account, 'told', { note: 'first' });
  await writeFile(join(device.folder, 'note'), 'second');
  await device.run(['sync', '--once']);
  const { service, username, password } = account;
  const json = async (words: string[], input?: string) => JSON.parse(await device.run([...words, '--json'], input));
  const note = join(device.folder, 'note');
  expect(await json(['restore', note, '--version', '1'])).toMatchObject({ path: 'note', version: 3 });
  const before = ['restore', note, '--at', new Date(Date.now() - 86_400_000).toISOString()];
  expect(await json([...before, '--dry-run'])).toMatchObject({ path: 'note', now: { version: 3 } });
  await expect(device.run([...before, '--json'])).rejects.toThrow('with --json nobody is asked: give --yes');
  expect(await json([...before, '--yes'])).toMatchObject({ path: 'note' });
  const login = ['login', service.api, '--ca', service.ca, '--user', username, '--password-stdin'];
  const signedIn = { username, api_url: service.api, device_name: 'told', key_changed: false };
  expect(await json(login, password)).toMatchObject(signedIn);
  expect(await json(['logout'])).toEqual({ username, folder: device.folder });
});

test('a device that is shut out while it syncs says so until it is signed in again', async () => {
  const [laptop, phone] = [await syncedDevice(account, 'laptop', {}), await syncedDevice(account, 'phone', { a: '1' })];
  phone.startSync(() => undefined);
  await until('it rests', () => phone.events.at(-1)?.event === 'idle');
  await laptop.run(['devices', '--revoke', 'phone', '--password-stdin'], account.password);
  const status = async () => JSON.parse(await phone.run(['status', '--json']));
  await until('its sync has ended', async () => (await status()).running === false);
  const ended = { code: 'not_signed_in', message: expect.stringMatching(/was revoked.*run 'tidemark login' again/) };
  expect(await status()).toMatchObject({ ended });
  expect(await phone.run(['status'])).toMatch(/^stopped on .*was revoked/m);
  expect(await phone.run(['explain', join(phone.folder, 'unseen')])).toContain('neither here');
  await writeFile(join(phone.folder, 'unseen'), 'x');
  expect(await phone.run(['explain', join(phone.folder, 'unseen')])).toMatch(/the last one stopped on .*was revoked/);

  const { service, username, password } = account;
  await phone.signIn({ url: service.api, ca: service.ca, username, password });
  await phone.run(['sync', '--once']);
  expect(await status()).not.toHaveProperty('ended');
});

test('a sync ends when its device is signed out here alone', async () => {
  const device = await syncedDevice(account, 'leaves', { a: '1' });
  const ended = new Promise<string>((resolve) => device.startSync(resolve));
  await until('it rests', () => device.events.at(-1)?.event === 'idle');
  await device.run(['logout', '--here']);
  expect(await ended).toContain('exit code 3');
  expect(device.events.at(-1)).toMatchObject({
    code: 'not_signed_in',
    message: expect.stringContaining('this device was signed out'),
  });
});
