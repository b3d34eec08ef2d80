import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { SyncEvent } from '../../protocol/output/sync-event.ts';
import { SyncStatus } from '../../protocol/output/sync-status.ts';
import { database } from '../service/support/service.ts';
import { hang } from '../support/network/faults.ts';
import type { Way } from '../support/network/network.ts';
import { type Account, openAccount, type Place, startAll, until, untilEqual } from './account.ts';

/** Two devices for the tests that leave them whole. */
let shared: Pair;

beforeAll(async () => {
  shared = await twoDevices();
});
afterAll(async () => {
  await shared.account.close();
});

interface Pair {
  readonly account: Account;
  readonly desk: Device;
  readonly lap: Device;
}

async function twoDevices(): Promise<Pair> {
  const account = await openAccount();
  const [desk, lap] = [await account.device('desk'), await account.device('lap')];
  startAll(desk, lap);
  return { account, desk, lap };
}

/** A new folder on the shared devices. */
async function newFolder(name: string): Promise<{ desk: Place; lap: Place }> {
  await mkdir(join(shared.desk.folder, name));
  await until('the folder arrives', async () => (await readdir(shared.lap.folder)).includes(name));
  const place = ({ folder, events }: Device): Place => ({ folder: join(folder, name), events });
  return { desk: place(shared.desk), lap: place(shared.lap) };
}

const write = (device: Place, path: string, content: string): Promise<void> =>
  writeFile(join(device.folder, path), content);
const read = (device: Place, path: string): Promise<string> => readFile(join(device.folder, path), 'utf8');
const names = async (device: Place): Promise<string[]> =>
  (await readdir(device.folder)).filter((name) => name !== '.tidemark').sort();
const sentFor = (device: Place, from: number): number =>
  device.events.slice(from).reduce((sum, event) => sum + (event.event === 'uploaded' ? event.content_bytes : 0), 0);

describe('what a user does in one folder happens in the other', () => {
  test('empty files, empty folders and modes', async () => {
    const { desk, lap } = await newFolder('modes');
    await mkdir(join(desk.folder, 'empty/inside'), { recursive: true });
    await mkdir(join(desk.folder, 'locked'));
    await write(desk, 'locked/nothing', '');
    await write(desk, 'read-only', 'x');
    await chmod(join(desk.folder, 'read-only'), 0o444);
    await chmod(join(desk.folder, 'locked'), 0o700);
    await untilEqual(desk, lap);
    expect((await stat(join(lap.folder, 'read-only'))).mode & 0o777).toBe(0o444);
    expect((await stat(join(lap.folder, 'locked'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(lap.folder, 'empty'))).toEqual(['inside']);
  });

  test('a renamed folder, a name in other case and two swapped names send no content', async () => {
    const { desk, lap } = await newFolder('renames');
    await mkdir(join(desk.folder, 'old/deep'), { recursive: true });
    for (const name of ['old/a', 'old/deep/b', 'readme', 'one', 'two']) await write(desk, name, `content of ${name}`);
    await untilEqual(desk, lap);
    const before = desk.events.length;
    await rename(join(desk.folder, 'old'), join(desk.folder, 'new'));
    await rename(join(desk.folder, 'readme'), join(desk.folder, 'README'));
    await rename(join(desk.folder, 'one'), join(desk.folder, 'aside'));
    await rename(join(desk.folder, 'two'), join(desk.folder, 'one'));
    await rename(join(desk.folder, 'aside'), join(desk.folder, 'two'));
    await until('the rename arrives', async () => (await names(lap)).join() === 'README,new,one,two');
    await untilEqual(desk, lap);
    expect(await read(lap, 'one')).toBe('content of two');
    expect(await read(lap, 'new/deep/b')).toBe('content of old/deep/b');
    expect(sentFor(desk, before)).toBe(0);
  });

  test('a folder that becomes a file, and a file that becomes a folder, leave no conflict copy', async () => {
    const { desk, lap } = await newFolder('kinds');
    await mkdir(join(desk.folder, 'thing/sub'), { recursive: true });
    await write(desk, 'thing/sub/a', 'a');
    await write(desk, 'other', 'a file');
    await untilEqual(desk, lap);
    await rm(join(desk.folder, 'thing'), { recursive: true });
    await write(desk, 'thing', 'now a file');
    await unlink(join(lap.folder, 'other'));
    await mkdir(join(lap.folder, 'other'));
    await write(lap, 'other/inside', 'now a folder');
    await until('both arrive', async () => {
      const [file, inside] = await Promise.all([read(lap, 'thing'), read(desk, 'other/inside')]).catch(() => []);
      return file === 'now a file' && inside === 'now a folder';
    });
    await untilEqual(desk, lap);
    expect(await names(desk)).toEqual(['other', 'thing']);
  });
});

describe('what cannot be synced', () => {
  test('is named with the reason and holds nothing else up', async () => {
    const { desk, lap } = await newFolder('refused');
    await untilEqual(desk, lap);
    const bad = ['back\\slash', 'bell\u0007', 'e\u0301.txt'];
    for (const name of bad) await write(desk, name, 'x');
    await symlink('/etc/passwd', join(desk.folder, 'link'));
    await write(desk, 'good', 'good');
    await until('the good one arrives', async () => (await names(lap)).includes('good'));
    expect(await names(lap)).toEqual(['good']);
    const reported = (): string[] =>
      desk.events.filter((event) => event.event === 'error').map(({ path, message }) => `${path}: ${message}`);
    expect(reported().sort()).toEqual([
      'refused/back\\slash: the name holds a backslash at character 13; rename it to sync it',
      'refused/bell\u0007: the name holds a control character at character 13; rename it to sync it',
      'refused/e\u0301.txt: the name is not in Unicode normal form C; rename it to sync it',
      'refused/link: is a symbolic link to an absolute place, which is another one on other devices',
    ]);
    const status = SyncStatus.parse(JSON.parse(await shared.desk.run(['status', '--json'])));
    expect(status).toMatchObject({ pending: [], running: true });
    expect(status.problems).toHaveLength(4);
    await rename(join(desk.folder, 'back\\slash'), join(desk.folder, 'slash'));
    for (const name of [...bad.slice(1), 'link']) await unlink(join(desk.folder, name));
    await untilEqual(desk, lap);
    expect(await read(lap, 'slash')).toBe('x');
  });

  test('a name that is no UTF-8 is named, too', async () => {
    const { desk } = await newFolder('latin');
    await writeFile(Buffer.concat([Buffer.from(join(desk.folder, 'latin-')), Buffer.of(0xe9)]), 'x');
    await until('it is named', () =>
      desk.events.some(
        (event) =>
          event.event === 'error' && event.path === 'latin/latin-\ufffd' && /not valid UTF-8/.test(event.message),
      ),
    );
  });
});

describe('a file that is written all the time', () => {
  test('does not hold up those beside it, and arrives when it rests', async () => {
    const { desk, lap } = await newFolder('busy');
    await untilEqual(desk, lap);
    let lines = 0;
    const log = join(desk.folder, 'app.log');
    await writeFile(log, randomBytes(3_000_000));
    const writer = setInterval(() => appendFileSync(log, `line ${++lines}\n`), 5);
    onTestFinished(() => clearInterval(writer));
    const others = Array.from({ length: 40 }, (_, index) => `note-${index}`);
    for (const name of others) await write(desk, name, name);
    await until('the others arrive', async () => {
      const there = await names(lap);
      return others.every((name) => there.includes(name));
    });
    expect(lines).toBeGreaterThan(0);
    clearInterval(writer);
    await until(
      'the log arrives',
      async () => (await read(lap, 'app.log').catch(() => '')) === (await read(desk, 'app.log')),
    );
    await untilEqual(desk, lap);
  });
});

describe('three devices', () => {
  test('edits of one file at the same time are all kept, and all devices agree on them', async () => {
    const account = await openAccount();
    onTestFinished(account.close);
    const devices = await Promise.all(['desk', 'lap', 'tab'].map((name) => account.device(name)));
    startAll(...devices);
    const [desk, lap, tab] = devices as [Device, Device, Device];
    await write(desk, 'plan.txt', 'base');
    await until(
      'the base is everywhere',
      async () => (await names(tab)).includes('plan.txt') && (await names(lap)).includes('plan.txt'),
    );
    await untilEqual(desk, lap, tab);
    await Promise.all(devices.map((device) => write(device, 'plan.txt', `by ${device.name}`)));
    await until('three versions', async () => (await names(desk)).length === 3);
    await untilEqual(desk, lap, tab);
    const contents = await Promise.all((await names(desk)).map((name) => read(desk, name)));
    expect(contents.sort()).toEqual(['by desk', 'by lap', 'by tab']);
  });

  test('an edit survives a deletion on another device at the same time', async () => {
    const { desk, lap } = await newFolder('edit-or-delete');
    await write(desk, 'a', 'base');
    await until('it arrives', async () => (await names(lap)).includes('a'));
    await untilEqual(desk, lap);
    await Promise.all([unlink(join(desk.folder, 'a')), write(lap, 'a', 'edited')]);
    await until('the edit is back', async () => (await read(desk, 'a').catch(() => '')) === 'edited');
    await untilEqual(desk, lap);
  });
});

describe('a killed client', () => {
  const blocks = 4;
  const big = randomBytes(blocks * 4 * 1024 * 1024);

  /**
   * Syncs over a way on which half of the blocks get through and then nothing, and ends the process with SIGKILL once
   * they are noted. From then on the way is good.
   */
  async function syncHalf(account: Account, device: Device, { proxy }: Way, route: string): Promise<void> {
    proxy.fail(route, hang);
    proxy.fail(route, async ({ ask, reply }) => reply(await ask()), blocks / 2);
    const child = spawn(process.execPath, [...account.commandOf(device), 'sync', device.folder], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const kept = join(device.folder, '.tidemark/blocks');
    await until('half of the blocks are through', async () => {
      const names = await readdir(kept).catch(() => []);
      return names.filter((name) => !name.startsWith('new-')).length === blocks / 2;
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await until('what it sent before has come', () => proxy.isAtRest());
    proxy.heal();
    proxy.seen.length = 0;
  }

  test('goes on where it was, in an upload and in a download', async () => {
    const account = await openAccount();
    onTestFinished(account.close);
    const network = await account.network();
    const [desk, lap] = await Promise.all(['desk', 'lap'].map((name) => account.device(name, { network })));
    const { store, cdn } = network.ways;
    await writeFile(join(desk!.folder, 'big'), big);
    await syncHalf(account, desk!, store, 'PUT');
    startAll(desk!);
    await until('the upload ends', () => desk!.events.some(({ event }) => event === 'uploaded'));
    expect(store.proxy.seen.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(big.length / 2);
    await syncHalf(account, lap!, cdn, 'GET');
    expect(await names(lap!)).not.toContain('big');
    startAll(lap!);
    await untilEqual(desk!, lap!);
    expect(lap!.events.find((event) => event.event === 'downloaded')!.content_bytes).toBe(big.length / 2);
  });
});

describe('the service has another past than this device remembers', () => {
  test('changes that are no longer kept: the tree is read, unchanged folders are skipped', async () => {
    const { account, desk, lap } = await twoDevices();
    onTestFinished(account.close);
    for (const name of ['same', 'other', 'other/deep']) await mkdir(join(desk.folder, name));
    for (const name of ['same/a', 'other/b', 'other/deep/c', 'gone', 'z']) await write(desk, name, name);
    await until('all is there', async () => (await names(lap)).length === 4);
    await untilEqual(desk, lap);
    await lap.stopSync();
    await write(desk, 'other/deep/c', 'changed');
    await write(desk, 'other/new', 'new');
    await unlink(join(desk.folder, 'gone'));
    await rename(join(desk.folder, 'z'), join(desk.folder, 'other/z'));
    await until('all is committed', () => {
      const done = desk.events.map((event) => ('path' in event ? `${event.event} ${event.path}` : event.event));
      return ['uploaded other/deep/c', 'uploaded other/new', 'deleted gone', 'renamed other/z'].every((line) =>
        done.includes(line),
      );
    });
    const { schema, userId } = await account.metadata();
    await database.query(`delete from ${schema}.changes where user_id = $1`, [userId]);
    await database.query(`update ${schema}.accounts set forgotten_seq = change_seq where user_id = $1`, [userId]);
    lap.events.length = 0;
    startAll(lap);
    await untilEqual(desk, lap);
    expect(lap.events.filter(({ event }) => event === 'conflict')).toEqual([]);
    expect(lap.events.filter((event) => 'path' in event && event.path?.startsWith('same'))).toEqual([]);
  });

  test('a database restored from an old backup makes nobody delete what it does not know', async () => {
    const { account, desk, lap } = await twoDevices();
    onTestFinished(account.close);
    await write(desk, 'old', 'old');
    await until('it arrives', async () => (await names(lap)).length === 1);
    await untilEqual(desk, lap);
    const { schema, userId } = await account.metadata();
    const cursor = desk.events.findLast((event) => event.event === 'idle')!.cursor;
    await write(desk, 'new', 'new');
    await until('it arrives', async () => (await names(lap)).length === 2);
    await untilEqual(desk, lap);
    await Promise.all([desk.stopSync(), lap.stopSync()]);
    await database.query(`
      delete from ${schema}.changes where user_id = '${userId}' and seq > ${cursor};
      delete from ${schema}.file_versions
        where file_id in (select file_id from ${schema}.files where user_id = '${userId}' and path = 'new');
      delete from ${schema}.files where user_id = '${userId}' and path = 'new';
      update ${schema}.accounts set change_seq = ${cursor} where user_id = '${userId}'`);
    for (const device of [desk, lap]) device.events.length = 0;
    startAll(desk, lap);
    await untilEqual(desk, lap);
    expect(await names(desk)).toEqual(['new', 'old']);
    expect(await read(lap, 'new')).toBe('new');
  });
});

test('a sync prints only what programs are promised', () => {
  const events = [...shared.desk.events, ...shared.lap.events];
  expect(events.filter((event) => !SyncEvent.safeParse(event).success)).toEqual([]);
  expect(events.map(({ event }) => event)).toContain('idle');
});
