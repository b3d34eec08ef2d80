import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isMarked, originalPath } from '../../client/plan/conflict-name.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import { Conflict } from '../../protocol/output/conflict.ts';
import { type Account, openAccount } from './account.ts';

describe('the name of a copy', () => {
  test.each([
    ['docs/a (conflicted copy, desk, 2026-11-30).txt', 'docs/a.txt'],
    ['a (conflicted copy, desk, 2026-11-30 2)', 'a'],
  ])('%s leads to the first one', (copy, original) => {
    expect([isMarked(copy), originalPath(copy)]).toEqual([true, original]);
  });

  test('is not that of what lies in a copied folder', () => {
    expect(isMarked('d (conflicted copy, desk, 2026-11-30)/a')).toBe(false);
  });
});

describe('a file that two devices changed at once', { timeout: 120_000 }, () => {
  let account: Account;
  let desk: Device;
  let lap: Device;
  beforeEach(async () => {
    account = await openAccount();
    [desk, lap] = [await account.device('desk'), await account.device('lap')];
    await mkdir(join(desk.folder, 'docs'));
    await writeFile(join(desk.folder, 'docs/a.txt'), 'first');
    for (const device of [desk, lap]) await sync(device);
    await writeFile(join(desk.folder, 'docs/a.txt'), "desk's");
    await writeFile(join(lap.folder, 'docs/a.txt'), "lap's");
    for (const device of [desk, lap, desk]) await sync(device);
  });
  afterEach(() => account.close());

  const sync = (device: Device): Promise<string> => device.run(['sync', device.folder, '--once']);
  const copyOn = async ({ folder }: Device): Promise<string> =>
    (await readdir(join(folder, 'docs'))).find((name) => isMarked(name))!;
  const keep = (device: Device, name: string): Promise<string> =>
    device.run(['conflicts', '--keep', join(device.folder, 'docs', name)]);
  const contents = async ({ folder }: Device): Promise<Record<string, string>> => {
    const names = await readdir(join(folder, 'docs'));
    const texts = await Promise.all(names.map((name) => readFile(join(folder, 'docs', name), 'utf8')));
    return Object.fromEntries(names.map((name, index) => [name, texts[index]!]));
  };

  test('is listed with its copies, for people and for programs', async () => {
    const copy = await copyOn(desk);
    const lines = (await desk.run(['conflicts', '--json'])).trim().split('\n');
    expect(lines.map((line) => Conflict.parse(JSON.parse(line)))).toMatchObject([
      { path: 'docs/a.txt', copies: [{ path: `docs/${copy}`, kind: 'file', size: 5 }] },
    ]);
    expect(await desk.run(['conflicts'])).toMatch(/^docs\/a\.txt\n {2}docs\/a \(conflicted copy, .*5 B/);
  });

  test.each([
    ['the copy', "lap's"],
    ['the first one', "desk's"],
  ])('ends with %s, on every device', async (which, text) => {
    // As the list names it.
    await desk.run(['conflicts', '--keep', `docs/${which === 'the copy' ? await copyOn(desk) : 'a.txt'}`]);
    for (const device of [desk, lap]) await sync(device);
    for (const device of [desk, lap]) expect(await contents(device)).toEqual({ 'a.txt': text });
    expect(await lap.run(['conflicts'])).toBe('there is no conflict\n');
  });

  test('does not end while what would go is not synced', async () => {
    const copy = await copyOn(desk);
    await writeFile(join(desk.folder, 'docs/a.txt'), 'edited since');
    await expect(keep(desk, copy)).rejects.toThrow('docs/a.txt is not synced as it is now');
    expect(await contents(desk)).toEqual({ 'a.txt': 'edited since', [copy]: "lap's" });
    await keep(desk, 'a.txt');
    expect(await contents(desk)).toEqual({ 'a.txt': 'edited since' });
  });

  test('is named where it is in none', async () => {
    await writeFile(join(desk.folder, 'other'), '');
    await expect(desk.run(['conflicts', '--keep', join(desk.folder, 'other')])).rejects.toThrow('is in no conflict');
  });
});
