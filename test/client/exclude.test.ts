import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LocalTrouble } from '../../client/common/errors.ts';
import { compileIgnores } from '../../client/disk/ignore.ts';
import { noteExclusions, readExclusions } from '../../client/state/exclusions.ts';
import { exclusionsPlace } from '../../client/state/places.ts';
import { State } from '../../client/state/state.ts';
import { vacate } from '../../client/steps/vacate.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import { firstDifference } from '../../local/demo/tour/folders.ts';
import { Explanation } from '../../protocol/output/explanation.ts';
import { SyncStatus } from '../../protocol/output/sync-status.ts';
import { type Account, openAccount, startAll, until, untilEqual } from './account.ts';
import { temporaryFolder } from './folder.ts';

describe('what is left out', () => {
  test('is written down without what lies in each other', async () => {
    const root = await temporaryFolder();
    expect(readExclusions(root)).toEqual([]);
    await noteExclusions(root, ['b', 'a/inner', 'a', 'b', 'ab']);
    expect(readExclusions(root)).toEqual(['a', 'ab', 'b']);
  });

  test('and cannot be read stops the sync: nothing is guessed', async () => {
    const root = await temporaryFolder();
    await noteExclusions(root, []);
    for (const text of ['["a"', '{"a":1}', '']) {
      await writeFile(exclusionsPlace(root), text);
      expect(() => readExclusions(root)).toThrow(LocalTrouble);
    }
  });

  test('is a folder with all that is in it, and nothing that is only called alike', () => {
    const ignores = compileIgnores('!a/kept\n', ['a', 'b/c']);
    const by = { rule: 'a/', source: "'tidemark exclude' on this device" };
    expect([ignores('a', true), ignores('a/kept', false), ignores('ab', true), ignores('b', true)]).toEqual([
      by,
      by,
      undefined,
      undefined,
    ]);
    expect(ignores('b/c/d', false)?.rule).toBe('b/c/');
  });
});

/** Where a device stops in the middle. */
class Crash extends Error {}

describe('a folder on two devices', { timeout: 240_000 }, () => {
  const photos = Array.from({ length: 40 }, (_, number) => `photos/${number % 4}/${number}`);
  let account: Account;
  let desk: Device;
  let lap: Device;
  beforeEach(async () => {
    account = await openAccount();
    [desk, lap] = [await account.device('desk'), await account.device('lap')];
    for (const folder of ['0', '1', '2', '3/deep'])
      await mkdir(join(lap.folder, 'photos', folder), { recursive: true });
    await mkdir(join(lap.folder, 'docs'));
    for (const path of [...photos, 'docs/a', 'photos/3/deep/last']) await writeFile(join(lap.folder, path), path);
    await lap.run(['sync', lap.folder, '--once']);
    await desk.run(['sync', desk.folder, '--once']);
  });
  afterEach(() => account.close());

  const statusOf = async (device: Device): Promise<SyncStatus> =>
    SyncStatus.parse(JSON.parse(await device.run(['status', '--json'])));
  const exclude = (device: Device, folder = 'photos'): Promise<string> =>
    device.run(['exclude', join(device.folder, folder)]);
  const include = (device: Device, folder = 'photos'): Promise<string> =>
    device.run(['include', join(device.folder, folder)]);

  test('is left out and brought back while both sync: nothing of it is taken for a deletion', async () => {
    startAll(desk, lap);
    await untilEqual(desk, lap);
    expect(await exclude(desk)).toBe('photos is left out on this device; it is removed from this disk\n');
    expect(await readdir(desk.folder)).not.toContain('photos');
    expect(desk.events).toContainEqual({ event: 'excluded', path: 'photos', files: 41, kept: 0 });

    await writeFile(join(lap.folder, 'photos/0/new'), 'new');
    await writeFile(join(lap.folder, 'photos/0/0'), 'edited');
    await rm(join(lap.folder, 'photos/1'), { recursive: true });
    await writeFile(join(lap.folder, 'docs/a'), 'edited as well');
    await until(
      'what is not left out arrives',
      async () => (await readFile(join(desk.folder, 'docs/a'), 'utf8')) === 'edited as well',
    );
    expect(await readdir(desk.folder)).not.toContain('photos');
    expect(await readdir(join(lap.folder, 'photos'))).toEqual(['0', '2', '3']);
    const { left_out, pending, problems } = await statusOf(desk);
    expect({ left_out, pending, problems }).toEqual({
      left_out: [{ path: 'photos', rule: 'photos/', source: "'tidemark exclude' on this device", here: false }],
      pending: [],
      problems: [],
    });
    const explained = await desk.run(['explain', join(desk.folder, 'photos/0/new'), '--json']);
    expect(Explanation.parse(JSON.parse(explained))).toMatchObject({ state: 'ignored', rule: 'photos/' });
    expect(await desk.run(['exclude'])).toBe('photos\n');
    expect(await desk.run(['log', '--lines', '20'])).toContain(
      'photos is left out on this device: 41 files removed here',
    );

    await desk.stopSync();
    const before = desk.events.length;
    startAll(desk);
    await until('it rests after a restart', () => desk.events.slice(before).at(-1)?.event === 'idle');
    expect(await readdir(desk.folder)).not.toContain('photos');
    expect(await include(desk)).toBe('photos comes back now\n');
    await untilEqual(desk, lap);
    expect(await readFile(join(desk.folder, 'photos/0/0'), 'utf8')).toBe('edited');
    expect(await readdir(join(desk.folder, 'photos'))).toEqual(['0', '2', '3']);
    expect(await statusOf(desk)).toMatchObject({ left_out: [], pending: [], problems: [] });
  });

  test('keeps here what the service does not have as it is here, and brings that back with the folder', async () => {
    await writeFile(join(desk.folder, 'photos/0/0'), 'edited, and seen by no sync');
    await writeFile(join(desk.folder, 'photos/unknown'), 'unknown');
    await symlink('/nowhere', join(desk.folder, 'photos/link'));
    expect(await exclude(desk)).toBe(
      'photos is left out on this device; what the service does not have as it is here stays on this disk, photos/0/0 among that\n',
    );
    const here = await readdir(join(desk.folder, 'photos'), { recursive: true });
    expect(here.sort()).toEqual(['0', '0/0', 'link', 'unknown']);
    await desk.run(['sync', '--once']);
    await lap.run(['sync', '--once']);
    expect(await readFile(join(lap.folder, 'photos/0/0'), 'utf8')).toBe('photos/0/0');
    await include(desk);
    await desk.run(['sync', '--once']);
    await lap.run(['sync', '--once']);
    expect(await readFile(join(lap.folder, 'photos/0/0'), 'utf8')).toBe('edited, and seen by no sync');
    expect(await readFile(join(lap.folder, 'photos/unknown'), 'utf8')).toBe('unknown');
    await rm(join(desk.folder, 'photos/link'));
    expect(await firstDifference(desk.folder, lap.folder)).toBeUndefined();
  });

  test.each([0, 1, 17, 40])('that is removed up to a crash after %d files loses nothing anywhere', async (files) => {
    await noteExclusions(desk.folder, ['photos']);
    const state = new State(desk.folder);
    let left = files;
    const get = state.trees.local.get.bind(state.trees.local);
    state.trees.local.get = (path) => {
      if (left-- === 0) throw new Crash();
      return get(path);
    };
    await expect(vacate({ root: desk.folder, state }, 'photos')).rejects.toThrow(Crash);
    state.close();
    await desk.run(['sync', '--once']);
    expect(existsSync(join(desk.folder, 'photos'))).toBe(false);
    await lap.run(['sync', '--once']);
    for (const path of photos) expect(await readFile(join(lap.folder, path), 'utf8')).toBe(path);
    await include(desk);
    await desk.run(['sync', '--once']);
    expect(await firstDifference(desk.folder, lap.folder)).toBeUndefined();
  });

  test('that is being removed when the sync is killed is removed by the next one, and stays elsewhere', async () => {
    startAll(lap);
    for (let round = 0; round < 3; round++) {
      desk.startSync(() => undefined);
      await until('it rests', () => desk.events.at(-1)?.event === 'idle');
      await noteExclusions(desk.folder, ['photos']);
      const started = desk.pid!;
      await writeFile(join(desk.folder, '.tidemark/wake/read-rules'), '');
      await until('some of it is gone', () => !existsSync(join(desk.folder, 'photos/3/deep/last')));
      process.kill(started, 'SIGKILL');
      await desk.stopSync();
      await desk.run(['sync', '--once']);
      expect(existsSync(join(desk.folder, 'photos'))).toBe(false);
      await include(desk);
      await desk.run(['sync', '--once']);
      expect(await firstDifference(desk.folder, lap.folder)).toBeUndefined();
      for (const path of photos) expect(await readFile(join(lap.folder, path), 'utf8')).toBe(path);
    }
  });

  test('is not left out while changes in it are not stored, nor twice, nor when it is none', async () => {
    startAll(desk, lap);
    await untilEqual(desk, lap);
    await desk.run(['pause']);
    await until('it is paused', () => desk.events.at(-1)?.event === 'paused');
    expect(await exclude(desk, 'docs')).toMatch(
      /^docs is left out on this device; it is removed once the sync goes on/,
    );
    expect(existsSync(join(desk.folder, 'docs/a'))).toBe(true);
    await desk.run(['resume']);
    await until('it is removed', () => !existsSync(join(desk.folder, 'docs')));
    await expect(exclude(desk, 'docs/inner')).rejects.toThrow(/docs\/inner is left out already, with docs/);
    await expect(exclude(desk, 'nowhere')).rejects.toThrow(/there is no folder nowhere/);
    await expect(exclude(desk, 'photos/0/0')).rejects.toThrow(/is no folder; for files there is .tidemarkignore/);
    await expect(include(desk, 'docs/inner')).rejects.toThrow(/is left out with docs: include that/);
    await expect(include(desk, 'photos')).rejects.toThrow(/is not left out/);
    await desk.stopSync();
    const state = new State(desk.folder);
    const entry = state.trees.local.get('photos/0/0')!;
    state.set('local', 'photos/0/0', { ...entry, blocks: [], size: 0 });
    state.close();
    await expect(exclude(desk)).rejects.toThrow(/1 change in photos is not at the service yet \(photos\/0\/0\)/);
    expect(readExclusions(desk.folder)).toEqual(['docs']);
  });

  test('stays left out when the device starts anew, and what goes on around it does not touch it', async () => {
    await exclude(desk, 'photos/3');
    await desk.run(['sync', '--once', '--start-anew']);
    expect((await readdir(join(desk.folder, 'photos'))).sort()).toEqual(['0', '1', '2']);
    await rename(join(desk.folder, 'photos'), join(desk.folder, 'pictures'));
    await desk.run(['sync', '--once', '--allow-mass-delete']);
    await lap.run(['sync', '--once', '--allow-mass-delete']);
    expect(await readdir(join(lap.folder, 'photos/3/deep'))).toEqual(['last']);
    expect((await readdir(join(lap.folder, 'pictures'))).sort()).toEqual(['0', '1', '2']);
    await appendFile(join(lap.folder, 'photos/3/deep/last'), '!');
    await lap.run(['sync', '--once']);
    await desk.run(['include', desk.folder]);
    await desk.run(['sync', '--once']);
    expect(await readFile(join(desk.folder, 'photos/3/deep/last'), 'utf8')).toBe('photos/3/deep/last!');
    expect(await firstDifference(desk.folder, lap.folder)).toBeUndefined();
  });
});
