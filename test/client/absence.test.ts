import { appendFile, chmod, mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { type Account, openAccount, startAll, until, untilEqual } from './account.ts';

/** Two devices that sync when they are told to. */
let account: Account;
let [desk, lap]: Device[] = [];

beforeEach(async () => {
  account = await openAccount();
  [desk, lap] = [await account.device('desk'), await account.device('lap')];
  return account.close;
});

const once = (device: Device): Promise<string> => device.run(['sync', device.folder, '--once']);

/** Lets each of the devices sync, in this order. */
async function sync(...devices: Device[]): Promise<void> {
  for (const device of devices) await once(device);
}

async function write(device: Device, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(device.folder, path, '..'), { recursive: true });
    await writeFile(join(device.folder, path), content);
  }
}

async function paths(device: Device): Promise<string[]> {
  const entries = await readdir(device.folder, { recursive: true });
  return entries.filter((path) => !path.startsWith('.tidemark/') && path !== '.tidemark').sort();
}

interface Status {
  readonly problems: readonly { path: string; message: string }[];
  readonly pending: readonly { path: string }[];
  readonly left_out: readonly { path: string; rule: string; source: string; here: boolean }[];
  readonly leftovers: readonly string[];
}

async function status(device: Device): Promise<Status> {
  return JSON.parse(await device.run(['status', '--json'])) as Status;
}

test('a deleted folder stays deleted, though another device keeps what it ignores deep inside', async () => {
  await write(desk!, { 'p/f': '1', 'p/sub/deep/g': '2', other: 'x' });
  await sync(desk!, lap!);
  await write(lap!, { 'p/sub/deep/x.tmp': 'mine' });
  await rm(join(desk!.folder, 'p'), { recursive: true });
  await sync(desk!, lap!, desk!, lap!);
  expect(await paths(desk!)).toEqual(['other']);
  expect(await paths(lap!)).toEqual(['other', 'p', 'p/sub', 'p/sub/deep', 'p/sub/deep/x.tmp']);
  expect(await status(lap!)).toMatchObject({
    pending: [],
    left_out: [{ path: 'p/sub/deep/x.tmp', rule: '*.tmp', source: 'built in', here: true }],
    leftovers: ['p'],
  });
  await write(lap!, { 'p/sub/deep/new': 'new' });
  await sync(lap!, desk!);
  expect(await readFile(join(desk!.folder, 'p/sub/deep/new'), 'utf8')).toBe('new');
});

test('what vanished under a rule comes back when the rule goes, and is deleted nowhere', async () => {
  await write(desk!, { 'build/o1': '1', 'build/o2': '2', 'build/sub/o3': '3', kept: 'x' });
  await sync(desk!, lap!);
  await write(desk!, { '.tidemarkignore': 'build/\n' });
  await sync(desk!);
  await rm(join(desk!.folder, 'build'), { recursive: true });
  // The rule arrives with the sync in which the other device's deletion would leave.
  await unlink(join(lap!.folder, 'build/o1'));
  await write(lap!, { 'build/o2': 'edited' });
  await sync(lap!, desk!);
  await unlink(join(desk!.folder, '.tidemarkignore'));
  await sync(desk!, lap!, desk!);
  for (const device of [desk!, lap!]) {
    expect(await paths(device)).toEqual(['build', 'build/o1', 'build/o2', 'build/sub', 'build/sub/o3', 'kept']);
    expect(await readFile(join(device.folder, 'build/o2'), 'utf8')).toBe('edited');
  }
});

test('a new device has the rules in use before it downloads what they name', async () => {
  await write(desk!, { '0/build/o': 'x', 'a.iso': 'x', kept: 'x' });
  await sync(desk!);
  await write(desk!, { '.tidemarkignore': 'build/\n*.iso\n' });
  await sync(desk!, lap!);
  expect(await paths(lap!)).toEqual(['.tidemarkignore', '0', 'kept']);
  expect((await status(lap!)).left_out).toEqual([
    { path: '0/build', rule: 'build/', source: 'line 1 of .tidemarkignore', here: false },
    { path: 'a.iso', rule: '*.iso', source: 'line 2 of .tidemarkignore', here: false },
  ]);
});

test('a rename to a name that is not synced deletes nothing elsewhere, and is listed', async () => {
  await write(desk!, { 'report.docx': 'report', 'src/a': 'a', 'plain.txt': 'plain', '.tidemarkignore': 'build/\n' });
  await sync(desk!, lap!);
  const at = (name: string): string => join(desk!.folder, name);
  await rename(at('report.docx'), at('report.docx.tmp'));
  await rename(at('src'), at('build'));
  await rename(at('plain.txt'), at('back\\slash'));
  await desk!.run(['sync', desk!.folder, '--once']).catch(() => undefined);
  await sync(lap!);
  expect(await paths(lap!)).toEqual(['.tidemarkignore', 'plain.txt', 'report.docx', 'src', 'src/a']);
  const { problems, pending } = await status(desk!);
  expect(pending).toEqual([]);
  expect(problems.map(({ path, message }) => `${path}: ${message.split(';')[0]}`)).toEqual(
    expect.arrayContaining([
      'plain.txt: renamed here to back\\slash, which is not synced: the name holds a backslash at character 5',
      'report.docx: renamed here to report.docx.tmp, which is not synced: the rule *.tmp (built in) leaves it out',
      'src: renamed here to build, which is not synced: the rule build/ (line 1 of .tidemarkignore) leaves it out',
    ]),
  );
  // Renamed on to a name that is synced, it is a rename; deleted under the name that is not, it comes back.
  await rename(at('report.docx.tmp'), at('final.docx'));
  await rename(at('back\\slash'), at('plain.txt'));
  await rm(at('build'), { recursive: true });
  await sync(desk!, lap!);
  for (const device of [desk!, lap!]) {
    expect(await paths(device)).toEqual(['.tidemarkignore', 'final.docx', 'plain.txt', 'src', 'src/a']);
  }
  expect((await status(desk!)).problems).toEqual([]);
});

test('a move into a directory that was left out before is one out of the folder: kept here and in the history', async () => {
  await write(desk!, { 'report.docx': 'report', 'build/o': 'x', '.tidemarkignore': 'build/\n', kept: 'x' });
  await sync(desk!, lap!);
  await rename(join(desk!.folder, 'report.docx'), join(desk!.folder, 'build/report.docx'));
  await sync(desk!, lap!);
  expect(await paths(lap!)).toEqual(['.tidemarkignore', 'kept']);
  expect(await readFile(join(desk!.folder, 'build/report.docx'), 'utf8')).toBe('report');
  await lap!.run(['restore', join(lap!.folder, 'report.docx'), '--version', '1']);
  await sync(lap!);
  expect(await readFile(join(lap!.folder, 'report.docx'), 'utf8')).toBe('report');
});

test('a save elsewhere that commits before the folder is renamed here is in the renamed folder', async () => {
  await write(desk!, { 'old/a': 'a', 'old/b': 'b' });
  await sync(desk!, lap!);
  await write(lap!, { 'old/a': 'saved' });
  await sync(lap!);
  await rename(join(desk!.folder, 'old'), join(desk!.folder, 'new'));
  await sync(desk!, lap!);
  for (const device of [desk!, lap!]) {
    expect(await paths(device)).toEqual(['new', 'new/a', 'new/b']);
    expect(await readFile(join(device.folder, 'new/a'), 'utf8')).toBe('saved');
  }
});

test('a folder has one name, whatever was on its way into it when it was renamed', async () => {
  await write(desk!, { 'old/a': 'a' });
  await sync(desk!, lap!);
  await write(desk!, { 'old/from desk': 'desk', 'old/sub/x': 'x' });
  await sync(desk!);
  await rename(join(lap!.folder, 'old'), join(lap!.folder, 'new'));
  await write(desk!, { 'old/sub/late': 'late' });
  await sync(lap!, desk!, lap!);
  for (const device of [desk!, lap!]) {
    expect(await paths(device)).toEqual(['new', 'new/a', 'new/from desk', 'new/sub', 'new/sub/late', 'new/sub/x']);
  }
});

test('a folder that comes back for a file goes with that', async () => {
  await write(desk!, { 'old/a': 'a', other: 'x' });
  await sync(desk!, lap!);
  await write(lap!, { 'old/new': 'new' });
  await rm(join(desk!.folder, 'old'), { recursive: true });
  await sync(desk!, lap!, desk!);
  expect(await paths(desk!)).toEqual(['old', 'old/new', 'other']);
  await unlink(join(desk!.folder, 'old/new'));
  await sync(desk!, lap!, desk!);
  for (const device of [desk!, lap!]) expect(await paths(device)).toEqual(['other']);
});

test('permissions and content that changed on different devices come together; of two permissions the private counts', async () => {
  const mode = async (device: Device, name: string): Promise<string> =>
    ((await stat(join(device.folder, name))).mode & 0o777).toString(8);
  await write(desk!, { here: 'x', there: 'x', both: 'x' });
  await sync(desk!, lap!);
  await chmod(join(desk!.folder, 'here'), 0o755);
  await write(lap!, { here: 'edited' });
  await write(desk!, { there: 'edited' });
  await chmod(join(lap!.folder, 'there'), 0o755);
  await chmod(join(desk!.folder, 'both'), 0o755);
  await chmod(join(lap!.folder, 'both'), 0o600);
  await sync(desk!, lap!, desk!, lap!);
  for (const device of [desk!, lap!]) {
    expect(await paths(device)).toEqual(['both', 'here', 'there']);
    for (const name of ['here', 'there']) {
      expect(await readFile(join(device.folder, name), 'utf8')).toBe('edited');
      expect(await mode(device, name)).toBe('755');
    }
    expect(await mode(device, 'both')).toBe('700');
  }
});

test('a folder that is renamed while a file in it is written leaves nothing behind under its old name', async () => {
  startAll(desk!, lap!);
  for (const round of [1, 2]) {
    const old = join(desk!.folder, `logs-${round}`);
    await mkdir(old);
    await writeFile(join(old, 'out.log'), 'begin\n');
    await untilEqual(desk!, lap!);
    const moved = join(desk!.folder, `moved-${round}`);
    let log = join(old, 'out.log');
    for (let line = 0; line < 24; line++) {
      if (line === 8) {
        await rename(old, moved);
        log = join(moved, 'out.log');
      }
      await appendFile(log, `line ${line}\n`.repeat(2000));
      await sleep(15);
    }
    await until('the whole log arrives', async () => {
      const there = await readFile(join(lap!.folder, `moved-${round}/out.log`), 'utf8').catch(() => '');
      return there.includes('line 23');
    });
    await untilEqual(desk!, lap!);
    expect(await paths(lap!)).not.toContain(`logs-${round}`);
  }
});
