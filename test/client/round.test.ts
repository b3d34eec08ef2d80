import type { BigIntStats } from 'node:fs';
import { expect, test } from 'vitest';
import { LocalTrouble } from '../../client/common/errors.ts';
import type { SyncedEntry } from '../../client/plan/tree.ts';
import type { Api } from '../../client/service/api.ts';
import { Unreachable } from '../../client/service/errors.ts';
import type { Change } from '../../protocol/changes.ts';
import type { Entry } from '../../protocol/entry.ts';
import { device, directory, openRounds, type Scene, smallFile } from './rounds.ts';

let scene: Scene;

const finalized = (version: number): Pick<Api, 'finalize'> => ({
  finalize: async () => {
    const cursor = scene.sync.state.cursor + 1;
    return { sent: 0, body: { results: [{ path: 'docs', version, version_id: device.id, cursor }] } };
  },
});

test('a round looks, catches up, plans and executes; others commit what was sent; then nothing is left to do', async () => {
  scene = await openRounds(finalized(1));
  scene.found = ({ state, notices }) => {
    if (state.trees.local.has('docs')) return;
    state.set('local', 'docs', directory);
    notices.replan('docs');
  };
  expect(await scene.settle()).toBe(Number.POSITIVE_INFINITY);
  const once = scene.happened.filter((what) => what !== 'look');
  expect(once).toEqual(['read rules', 'first look', 'catch up', 'caught up', 'heal', 'upload docs']);
  expect(scene.sync.state.trees.synced.get('docs')).toMatchObject({ kind: 'directory', version: 1 });
  scene.happened = [];
  expect(await scene.rounds.run()).toBe(Number.POSITIVE_INFINITY);
  expect(scene.happened).toEqual(['look']);
});

test('the whole folder, the changes and lost blocks wait until they are due', async () => {
  scene = await openRounds();
  await scene.settle();
  const unseen: string[][] = [];
  scene.found = () => unseen.push([...scene.sync.notices.unseen]);
  scene.happened = [];
  scene.now += 60_000;
  await scene.settle();
  expect(scene.happened).toEqual(['look', 'catch up', 'caught up']);
  scene.happened = [];
  scene.now += 60 * 60_000;
  await scene.settle();
  expect(scene.happened).toEqual(['look', 'catch up', 'caught up', 'heal']);
  expect(scene.clock.rescanIsDue).toBe(false);
});

test('what failed waits, and is not tried before', async () => {
  scene = await openRounds({
    finalize: async () => ({
      sent: 0,
      body: { results: [{ path: 'docs', error: { code: 'quota_exceeded', message: 'full' } }] },
    }),
  });
  scene.found = ({ state, notices }) => {
    state.set('local', 'docs', directory);
    notices.replan('docs');
  };
  const wait = await scene.settle();
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(1000);
  expect(scene.happened.filter((what) => what === 'upload docs')).toHaveLength(1);
  scene.found = ({ state, notices }) => {
    state.remove('local', 'docs');
    notices.replan('docs');
  };
  expect(await scene.settle()).toBe(Number.POSITIVE_INFINITY);
  expect([scene.sync.failures.paths, scene.sync.state.problems()], 'a failure of what is no longer to do').toEqual([
    [],
    [],
  ]);
});

test('at a path that is being read nothing is done, and what is planned there is done after that', async () => {
  scene = await openRounds(finalized(1));
  const [{ sync, readings }, read] = [scene, Promise.withResolvers<undefined>()];
  readings.read('docs', { size: 0n } as BigIntStats, () => read.promise);
  sync.state.set('local', 'docs', directory);
  sync.notices.replan('docs');
  await scene.settle();
  expect(scene.happened).not.toContain('upload docs');
  read.resolve(undefined);
  readings.note(() => true, new Set());
  await scene.settle();
  expect(scene.happened).toContain('upload docs');
});

test('a directory that is renamed and all that is in it wait for each other', async () => {
  scene = await openRounds({
    move: async ({ moves }) => {
      scene.happened.push(...moves.map(({ from }) => `move ${from}`));
      throw new Unreachable('no answer');
    },
  });
  scene.found = ({ state, notices }) => {
    for (const [index, path] of ['docs', 'docs/in'].entries()) {
      const entry = { ...directory, identity: `1:${index}:1` };
      state.set('remote', path, { ...directory, version: 1 });
      state.set('synced', path, { ...entry, version: 1 });
      state.set('local', path.replace('docs', 'papers'), entry);
      notices.replan(path, path.replace('docs', 'papers'));
    }
    for (let times = 0; times < 3; times++) scene.sync.failures.fail('docs', 'stale_version', 'changed elsewhere');
    scene.found = () => undefined;
  };
  expect(await scene.settle()).toBeGreaterThan(0);
  expect(
    scene.happened.filter((what) => what.startsWith('move')),
    'half of a directory',
  ).toEqual([]);
  scene.sync.failures.retryNow('stale_version');
  await expect(scene.settle()).rejects.toThrow('no answer');
  expect(scene.happened.filter((what) => what.startsWith('move'))).toEqual(['move docs', 'move docs/in']);
});

test('what is put off until a rename was seen whole is planned again, also what was on its way or had failed', async () => {
  scene = await openRounds();
  scene.unsettled = 'docs';
  scene.found = ({ state, notices, failures }) => {
    state.set('synced', 'docs', { ...directory, version: 1 });
    state.set('remote', 'docs', { ...directory, mode: 0o700, version: 2 });
    failures.fail('docs', 'local', 'could not be made');
    failures.retryNow('local');
    notices.planned([]);
    scene.found = () => undefined;
  };
  await scene.rounds.run();
  expect(scene.sync.state.trees.local.has('docs')).toBe(false);
  scene.unsettled = undefined;
  await scene.settle();
  expect(scene.sync.state.trees.local.has('docs')).toBe(true);
});

test('a file on its way up that the service has by now, as it is here, is agreed on, and its upload given up', async () => {
  const told = { cursor: 1, change_type: 'create', device_id: device.id, timestamp: 0 } as const;
  const changes: Change[] = [];
  scene = await openRounds({
    uploadInit: () => new Promise(() => undefined),
    changes: async () => ({ sent: 0, body: { changes, cursor: changes.length, more: false } }),
  });
  const { sync, transfers, rounds } = scene;
  sync.state.set('local', 'film', { ...smallFile, identity: '1:1:1', hint: '1:1:0:0' });
  sync.notices.replan('film');
  await rounds.run();
  expect(transfers.holds('film')).toBe(true);
  changes.push({ ...told, entry: { path: 'film', version: 1, ...smallFile, blocks: [...smallFile.blocks] } });
  sync.notices.readChanges();
  await rounds.run();
  expect(sync.state.trees.synced.get('film')).toMatchObject({ version: 1 });
  expect(transfers.holds('film')).toBe(false);
});

test('changes that could not be read are read by the next round', async () => {
  let away: Error | undefined = new Unreachable('no answer');
  scene = await openRounds({
    changes: async (_device, cursor) => {
      if (away) throw away;
      scene.happened.push('catch up');
      return { sent: 0, body: { changes: [], cursor, more: false } };
    },
  });
  await expect(scene.rounds.run()).rejects.toBe(away);
  away = undefined;
  await scene.rounds.run();
  expect(scene.happened).toContain('catch up');
});

test('a folder that is not the one it was ends the round before anything is looked at', async () => {
  scene = await openRounds();
  scene.missingRoot = new LocalTrouble('gone');
  await expect(scene.rounds.run()).rejects.toBe(scene.missingRoot);
  expect(scene.happened).toEqual([]);
});

test('after trouble with this machine the rules are read again', async () => {
  scene = await openRounds();
  await scene.settle();
  scene.happened = [];
  scene.rounds.startOver();
  await scene.settle();
  expect(scene.happened).toEqual(['read rules', 'look']);
});

test('rules that arrive are in use before anything else is deleted or fetched', async () => {
  const rules: Entry = {
    path: '.tidemarkignore',
    kind: 'file',
    size: 0,
    mtime_ms: 0,
    mode: 0o644,
    version: 1,
    blocks: [],
  };
  const change = { change_type: 'create' as const, device_id: device.id, timestamp: 0 };
  const other: Entry = { ...rules, path: 'a.tmp' };
  scene = await openRounds({
    changes: async () => ({
      sent: 0,
      body: {
        changes: [
          { ...change, cursor: 1, entry: other },
          { ...change, cursor: 2, entry: rules },
        ],
        cursor: 2,
        more: false,
      },
    }),
  });
  const here: string[][] = [];
  scene.found = () => here.push([...scene.sync.state.trees.local.keys()]);
  await scene.settle();
  expect(scene.happened.filter((what) => what === 'read rules')).toHaveLength(2);
  expect(here.find((paths) => paths.length > 0)).toEqual(['.tidemarkignore']);
  expect([...scene.sync.state.trees.local.keys()].sort()).toEqual(['.tidemarkignore', 'a.tmp']);
});

test('a plan that would delete most files is not carried out', async () => {
  scene = await openRounds();
  const base: SyncedEntry = { ...directory, kind: 'file', version: 1 };
  for (const path of ['a', 'b', 'c', 'd', 'e', 'f']) {
    scene.sync.state.set('synced', path, base);
    scene.sync.state.set('remote', path, base);
    scene.sync.notices.replan(path);
  }
  await expect(scene.rounds.run()).rejects.toMatchObject({ code: 'mass_delete' });
  expect(scene.sync.state.trees.remote.size).toBe(6);
});
