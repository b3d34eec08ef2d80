import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientError, LocalTrouble } from '../../client/common/errors.ts';
import type { LocalEntry } from '../../client/plan/tree.ts';
import { State } from '../../client/state/state.ts';
import { type Disk, fuseIsPossible, mountDisk } from '../support/fuse/disk.ts';
import { temporaryFolder } from './folder.ts';

const entry = (size: number): LocalEntry => ({
  kind: 'file',
  size,
  mode: 0o644,
  mtime_ms: 0,
  blocks: [{ hash: 'ab'.repeat(32), size }],
  identity: `${size}`,
  hint: '',
});

/** A folder whose state knows some files. */
async function known(): Promise<{ root: string; place: string }> {
  const root = await temporaryFolder();
  const state = new State(root);
  state.transaction(() => {
    for (let size = 1; size <= 200; size++) state.set('local', `file ${size}`, entry(size));
  });
  state.close();
  return { root, place: join(root, '.tidemark/state.db') };
}

describe('a state', () => {
  test('is as before when a transaction fails in the middle, in memory and on the disk', async () => {
    const root = await temporaryFolder();
    const state = new State(root);
    state.set('local', 'kept', entry(1));
    state.set('local', 'changed', entry(2));
    const failing = (): void =>
      state.transaction(() => {
        state.set('local', 'changed', entry(3));
        state.remove('local', 'kept');
        state.set('local', 'new', entry(4));
        throw new Error('in the middle');
      });
    expect(failing).toThrow('in the middle');
    const expected = [
      ['changed', entry(2)],
      ['kept', entry(1)],
    ];
    const sorted = ({ trees }: State) => [...trees.local].sort(([one], [other]) => (one < other ? -1 : 1));
    expect(sorted(state)).toEqual(expected);
    state.close();
    const again = new State(root);
    expect(sorted(again)).toEqual(expected);
    again.close();
  });

  test('is as before when a transaction fails of which much was written', async () => {
    const { root } = await known();
    const state = new State(root);
    const told = ({ trees: { local, synced } }: State) => [[...local].length, [...synced].length, local.get('file 1')];
    const before = told(state);
    const failing = (): void =>
      state.transaction(() => {
        for (let nth = 1; nth <= 25_000; nth++) state.set('synced', `file ${nth}`, { ...entry(nth), version: 1 });
        for (let nth = 1; nth <= 25_000; nth++) state.remove('local', `file ${nth}`);
        expect(told(state)).toEqual([0, 25_000, undefined]);
        throw new Error('at the end');
      });
    expect(failing).toThrow('at the end');
    expect(told(state)).toEqual(before);
    state.close();
    const again = new State(root);
    expect(told(again)).toEqual(before);
    again.close();
  });

  test.each<[string, (place: string) => Promise<unknown>]>([
    ['garbage', (place) => writeFile(place, 'garbage '.repeat(2000))],
    ['cut off', (place) => truncate(place, 6000)],
    ['overwritten in the middle', async (place) => writeFile(place, (await readFile(place)).fill(0xa5, 4096))],
    [
      'another program’s',
      async (place) => {
        await truncate(place);
        const database = new DatabaseSync(place);
        database.exec('CREATE TABLE entries (a)');
        database.close();
      },
    ],
    [
      'with a row that makes no sense',
      async (place) => {
        const database = new DatabaseSync(place);
        database.exec("UPDATE rows SET row = '{' WHERE path = 'file 1'");
        database.close();
      },
    ],
  ])('whose file is %s is named with what to do', async (_, damage) => {
    const { root, place } = await known();
    await damage(place);
    expect(() => new State(root)).toThrow(ClientError);
    expect(() => new State(root)).toThrow(/state.db is damaged or empty: sync again with --start-anew/);
  });
});

describe.skipIf(!fuseIsPossible)('a state on a disk that fails', () => {
  let disk: Disk;
  beforeAll(async () => {
    disk = await mountDisk('faults');
  });
  afterAll(() => disk.close());

  test('never parts from its file, whatever call fails and how', async () => {
    const calls = new Set<number>();
    for (const error of ['ENOSPC', 'EIO', 'short'] as const) {
      const root = join(disk.root, error);
      await mkdir(root);
      const state = new State(root);
      let expected = 0;
      for (let nth = 1, failed = true; failed; nth++) {
        await disk.counts();
        await disk.fail({ call: '*', nth, error, path: 'state.db' });
        try {
          // Enough for SQLite to write its log back into the file, too.
          state.transaction(() => {
            for (let index = 0; index < 300; index++) state.set('local', `${index}`, entry(nth));
          });
          expected = nth;
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(LocalTrouble);
        }
        failed = ((await disk.counts()).failed ?? 0) > 0;
        if (failed) calls.add(nth);
        await disk.heal();
        const sizes = new Set([...state.trees.local.values()].map(({ size }) => size));
        expect([...sizes]).toEqual(expected === 0 ? [] : [expected]);
        const file = new DatabaseSync(join(root, '.tidemark/state.db'), { readOnly: true });
        const rows = file.prepare("SELECT DISTINCT json_extract(row, '$[2]') AS size FROM rows").all();
        file.close();
        expect(rows.map(({ size }) => size)).toEqual([...sizes]);
      }
      state.close();
    }
    expect(calls.size).toBeGreaterThan(20);
  });

  test('that cannot be opened says why', async () => {
    const root = join(disk.root, 'unopened');
    await mkdir(root);
    for (const call of ['mkdir', 'create', 'write'] as const) {
      await disk.fail({ call, nth: 1, error: 'ENOSPC', times: null });
      expect(() => new State(root)).toThrow(LocalTrouble);
      expect(() => new State(root)).toThrow(
        /unopened\/.tidemark\/state.db cannot be used: the disk is full|it cannot be opened/,
      );
      await disk.heal();
    }
    const state = new State(root);
    state.set('local', 'a', entry(1));
    state.close();
  });
});
