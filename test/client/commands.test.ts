import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Device } from '../../local/demo/devices/device.ts';
import { ask } from '../service/support/service.ts';
import { type Account, openAccount, startAll, syncedDevice, until } from './account.ts';
import { temporaryFolder } from './folder.ts';

let account: Account;

beforeAll(async () => {
  account = await openAccount();
});
afterAll(async () => {
  await account.close();
});

describe('login', () => {
  test.each([
    [['notaurl'], /notaurl is not an address; it begins with https:/],
    [['http://127.0.0.1:4400'], /it begins with https:/],
    [['https://127.0.0.1:9'], /does not answer: connect ECONNREFUSED 127\.0\.0\.1:9\.$/],
    [['https://127.0.0.1:9', '--ca', '/nowhere/ca.pem'], /--ca \/nowhere\/ca.pem cannot be read: ENOENT/],
    [['https://127.0.0.1:9', '--ca', import.meta.filename], /holds no certificate in PEM form/],
  ])('%j is refused with what to do', async (words, message) => {
    const folder = await temporaryFolder();
    const stranger = new Device('stranger', folder, join(folder, 'config'));
    const login = stranger.run(['login', ...words, '--user', 'nobody', '--password-stdin'], 'secret');
    await expect(login).rejects.toThrow(message);
  });

  test('an unknown CA and a wrong password are told apart', async () => {
    const folder = await temporaryFolder();
    const stranger = new Device('stranger', folder, join(folder, 'config'));
    const words = ['login', account.service.api, '--user', 'nobody', '--password-stdin'];
    await expect(stranger.run(words, 'secret')).rejects.toThrow(
      /self-signed certificate.* A private CA is given with --ca/,
    );
    await expect(stranger.run([...words, '--ca', account.service.ca], 'secret')).rejects.toThrow('sign-in refused');
    await expect(stranger.run(['sync', folder])).rejects.toThrow("run 'tidemark login URL --user NAME'");
  });
});

describe('a password that an administrator gave', () => {
  const given = 'Given-by-admin-1';
  const makeUser = async (): Promise<string> => {
    const username = `${randomUUID()}@tidemark.example`;
    await ask('/users', { username, password: given, temporary: true });
    return username;
  };
  const login = async (username: string, piped: string): Promise<string> => {
    const folder = await temporaryFolder();
    const device = new Device('fresh', folder, join(folder, 'config'));
    const { api, ca } = account.service;
    return await device.run(['login', api, '--user', username, '--ca', ca, '--password-stdin'], piped);
  };

  test('is replaced at the first sign-in, and by that alone', async () => {
    const username = await makeUser();
    await expect(login(username, given)).rejects.toThrow('New password is missing: with --password-stdin it is line 2');
    await expect(login(username, `${given}\nshort\n`)).rejects.toThrow(
      /the new password was refused: .*not long enough/,
    );
    expect(await login(username, `${given}\nMy-own-words-1\n`)).toContain(`signed in as ${username}`);
    await expect(login(username, given)).rejects.toThrow('sign-in refused');
    expect(await login(username, 'My-own-words-1')).toContain(`signed in as ${username}`);
  });
});

test('who signs in again keeps what was chosen for the device', async () => {
  const [username, password] = [`${randomUUID()}@tidemark.example`, 'My-own-words-1'];
  await ask('/users', { username, password: 'Given-by-admin-1', temporary: true });
  const folder = await temporaryFolder();
  const device = new Device('chooser', folder, join(folder, 'config'));
  const { api, ca } = account.service;
  const login = (piped: string): Promise<string> =>
    device.run(['login', api, '--user', username, '--ca', ca, '--password-stdin'], piped);
  await login(`Given-by-admin-1\n${password}\n`);
  await device.run(['limit', '--up', '500k', '--hours', '8-18']);
  await device.run(['metered', 'pause']);
  const chosen = async (): Promise<string[]> => [
    await device.run(['limit', '--json']),
    await device.run(['metered', '--json']),
  ];
  const before = await chosen();
  expect(before.join('')).toMatch(/"up":500000.*"on_metered":"pause"/s);
  await login(password);
  expect(await chosen()).toEqual(before);
});

describe('history and restore', () => {
  test('bring back an edited and a deleted file, and name what they cannot', async () => {
    const device = await syncedDevice(account, 'historian', { 'a.txt': 'first' });
    const at = join(device.folder, 'a.txt');
    const versions = async (): Promise<string[]> =>
      (await device.run(['history', '--json', at]))
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { change_type: string }).change_type);
    await writeFile(at, 'second');
    await device.run(['sync', '--once']);
    await device.run(['restore', at, '--version', '1']);
    await device.run(['sync', '--once']);
    expect(await readFile(at, 'utf8')).toBe('first');
    await unlink(at);
    await device.run(['sync', '--once']);
    await device.run(['restore', at, '--version', '2']);
    await device.run(['sync', '--once']);
    expect(await readFile(at, 'utf8')).toBe('second');
    expect(await versions()).toEqual(['create', 'delete', 'update', 'update', 'create']);
    await expect(device.run(['restore', at, '--version', '99'])).rejects.toThrow('not_found');
    const inside = join(device.folder, 'folder');
    await mkdir(inside);
    await device.run(['sync', '--once']);
    await expect(device.run(['restore', inside, '--version', '1'])).rejects.toThrow('give --at TIME');
    await expect(device.run(['history', device.folder])).rejects.toThrow(
      'name a file or folder inside the synced folder',
    );
    await expect(device.run(['history', '/elsewhere/a.txt'])).rejects.toThrow('is not inside a synced folder');
  });
});

describe('what protects the folder', () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`file ${index}`, `${index}`]));

  test('more than half deleted: nothing happens until it is allowed', async () => {
    const [device, other] = [await syncedDevice(account, 'deleter', many), await syncedDevice(account, 'keeper', {})];
    for (const name of Object.keys(many).slice(0, 25)) await unlink(join(device.folder, name));
    await expect(device.run(['sync', '--once'])).rejects.toThrow(/25 of \d+ files would be deleted for all devices/);
    await device.run(['sync', '--once', '--allow-mass-delete']);
    await expect(other.run(['sync', '--once'])).rejects.toThrow(/would be deleted here/);
    expect((await readdir(other.folder)).length).toBeGreaterThan(30);
    await other.run(['sync', '--once', '--allow-mass-delete']);
    expect((await readdir(other.folder)).filter((name) => name.startsWith('file '))).toHaveLength(5);
    await rm(device.folder, { recursive: true });
  });

  test('a synced folder inside another one is refused from both sides, and a folder that holds the sign-in, too', async () => {
    const outer = await syncedDevice(account, 'outer', { f: 'x' });
    await mkdir(join(outer.folder, 'deep/inner'), { recursive: true });
    const inner = await account.device('inner', { place: join(outer.folder, 'deep/inner') });
    await expect(inner.run(['sync', inner.folder, '--once'])).rejects.toThrow(
      `${inner.folder} is inside ${outer.folder}, and ${outer.folder} is synced already`,
    );
    const around = await temporaryFolder();
    const below = await account.device('below', { place: join(around, 'deep/below') });
    await below.run(['sync', below.folder, '--once']);
    const above = await account.device('above', { place: around });
    await expect(above.run(['sync', around, '--once'])).rejects.toThrow(`${below.folder} is synced already`);
    expect((await readdir(around)).sort()).toEqual(['deep']);
    const config = await temporaryFolder();
    const inConfig = await account.device('in config', { place: config, configuration: config });
    await expect(inConfig.run(['sync', config, '--once'])).rejects.toThrow("holds this device's sign-in");
    await rm(outer.folder, { recursive: true });
  });

  test('the configuration inside a synced folder stays on its device, and none from elsewhere replaces it', async () => {
    const home = await temporaryFolder();
    const one = await account.device('one', { place: home, configuration: join(home, '.config/tidemark') });
    await writeFile(join(home, 'mine'), 'x');
    const before = await readFile(join(home, '.config/tidemark/config.json'), 'utf8');
    await one.run(['sync', home, '--once']);
    const caller = await account.caller();
    await caller.save('.config/tidemark/config.json', Buffer.from('of another device'));
    await one.run(['sync', '--once']);
    const after = JSON.parse(await readFile(join(home, '.config/tidemark/config.json'), 'utf8'));
    expect(after).toMatchObject({ device_id: JSON.parse(before).device_id, username: JSON.parse(before).username });
    const other = await syncedDevice(account, 'two', {});
    expect(await readFile(join(other.folder, '.config/tidemark/config.json'), 'utf8')).toBe('of another device');
    expect(JSON.parse(await one.run(['status', '--json'])).problems).toContainEqual({
      path: '.config/tidemark',
      message: "holds a device's sign-in, which stays on that device",
    });
  });

  test('a missing, replaced or other folder is not taken for an emptied one', async () => {
    const device = await syncedDevice(account, 'traveller', { precious: 'x' });
    const away = `${device.folder}-away`;
    await rename(device.folder, away);
    await expect(device.run(['sync', '--once'])).rejects.toThrow('does not exist: mount it or put it back');
    await mkdir(device.folder);
    await expect(device.run(['sync', '--once'])).rejects.toThrow('is not the folder that was synced before');
    const other = await temporaryFolder();
    await expect(device.run(['sync', other, '--once'])).rejects.toThrow(`this device syncs ${device.folder}`);
    expect(await readdir(other)).toEqual([]);
    await device.run(['sync', '--once', '--start-anew']);
    expect(await readFile(join(device.folder, 'precious'), 'utf8')).toBe('x');
    await rm(away, { recursive: true });
  });
});

describe('devices', () => {
  test('lists them, and shuts one out with the password; the one that did it goes on', async () => {
    const [laptop, phone] = [await syncedDevice(account, 'laptop', { a: '1' }), await account.device('stolen phone')];
    expect(await laptop.run(['devices'])).toMatch(/ laptop {2}this device\n.* stolen phone\n/);
    const named = laptop.run(['devices', '--revoke', 'no such', '--password-stdin'], 'any');
    await expect(named).rejects.toThrow(/no device of yours is called no such: give the id/);
    const wrong = laptop.run(['devices', '--revoke', 'stolen phone', '--password-stdin'], 'wrong');
    await expect(wrong).rejects.toThrow(/sign-in refused/);
    await laptop.run(['devices', '--revoke', 'stolen phone', '--password-stdin'], account.password);
    expect(await laptop.run(['devices'])).toMatch(/ stolen phone {2}revoked .* from laptop/);
    await expect(phone.run(['sync', phone.folder, '--once'])).rejects.toThrow(
      /was revoked at .* from 'laptop': sign in/,
    );
    await expect(phone.run(['devices'])).rejects.toThrow(/the device of this sign-in was revoked: sign in again/);
    await laptop.run(['sync', laptop.folder, '--once']);
  });

  test('renames this one, at the service, here, and in the sync that runs', async () => {
    const [tower, other] = [
      await syncedDevice(account, 'tower', { both: '1' }),
      await syncedDevice(account, 'other', {}),
    ];
    startAll(tower);
    await until('it rests', () => tower.events.at(-1)?.event === 'idle');
    await expect(tower.run(['devices', '--rename', 'a/b'])).rejects.toThrow(/must be 1 to 64 characters, no slash/);
    await expect(tower.run(['devices', '--rename', 'other'])).rejects.toThrow(
      /another device of yours is called other/,
    );
    expect(await tower.run(['devices', '--rename', 'attic'])).toBe('this device is attic\n');
    expect(await other.run(['devices'])).toMatch(/ attic\n/);
    expect(JSON.parse(await tower.run(['status', '--json'])).device).toBe('attic');
    await tower.run(['pause']);
    await until('it is paused', () => tower.events.at(-1)?.event === 'paused');
    await writeFile(join(tower.folder, 'both'), 'of tower');
    await writeFile(join(other.folder, 'both'), 'of other');
    await other.run(['sync', '--once']);
    await tower.run(['resume']);
    await until('its own is set aside', async () =>
      (await readdir(tower.folder)).some((name) => name.startsWith('both (conflicted copy, attic')),
    );
    await tower.stopSync();
    expect(JSON.parse(await tower.run(['status', '--json']))).toMatchObject({ device: 'attic', folder: tower.folder });
  });
});

describe('logout', () => {
  test('ends the sign-in at the service and here; the folder stays, and a new sign-in goes on with it', async () => {
    const device = await syncedDevice(account, 'leaves', { kept: 'kept' });
    const caller = await account.caller();
    expect(await device.run(['logout'])).toBe(
      `signed out; ${device.folder} stays as it is, and is not synced any more\n`,
    );
    const { body } = await caller.call('GET', '/devices');
    expect(body.devices).toContainEqual(expect.objectContaining({ name: 'leaves', revoked: true }));
    await expect(device.run(['sync', device.folder])).rejects.toThrow("run 'tidemark login URL --user NAME'");
    expect(await readFile(join(device.folder, 'kept'), 'utf8')).toBe('kept');
    const { service, username, password } = account;
    await device.signIn({ url: service.api, ca: service.ca, username, password });
    await writeFile(join(device.folder, 'kept'), 'edited');
    expect(await device.run(['sync', device.folder, '--once'])).toMatch(/kept/);
  });

  test('changes nothing while the service does not answer, unless it is told to forget here', async () => {
    const network = await account.network();
    const device = await account.device('apart', { network });
    await network.fail({ refuse: true });
    await expect(device.run(['logout'])).rejects.toThrow(/does not answer|ECONNREFUSED/);
    expect(await device.run(['logout', '--here'])).toBe('signed out\n');
    await expect(device.run(['devices'])).rejects.toThrow('no device is signed in');
  });
});
