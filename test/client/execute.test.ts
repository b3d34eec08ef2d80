import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { beforeEach, expect, test } from 'vitest';
import { type Execution, execute } from '../../client/engine/execute.ts';
import type { Operation } from '../../client/plan/operation.ts';
import { type RemoteEntry, syncedEntry } from '../../client/plan/tree.ts';
import type { Api } from '../../client/service/api.ts';
import { Gate } from '../../client/service/gate.ts';
import { newUpChannel } from '../../client/steps/channels.ts';
import { readSaveBody } from '../../lambdas/save/read-body.ts';
import { done, openFolder, remoteFile, type StepFolder } from './steps/open-folder.ts';

/* A plan carried out alone, on a real folder: in which order, what is handed over, and what a cut leaves. */

const directory: RemoteEntry = { kind: 'directory', size: 0, mode: 0o755, mtime_ms: 0, blocks: [], version: 1 };

let folder: StepFolder;
let happened: string[];
let wasCut: boolean;
let offered: string[];
let transfers: Execution['transfers'];

beforeEach(async () => {
  happened = [];
  wasCut = false;
  let version = 1;
  const results = (paths: readonly string[]) => ({
    sent: 0,
    body: { results: paths.map((path) => done(path, ++version, version)) },
  });
  offered = [];
  const api: Partial<Api> = {
    move: async ({ moves }) => {
      happened.push(...moves.map(({ from, to }) => `move ${from} to ${to} there`));
      return results(moves.map(({ to }) => to));
    },
    remove: async ({ files }) => {
      happened.push(...files.map(({ path }) => `delete ${path} there`));
      return results(files.map(({ path }) => path));
    },
    uploadInit: async ({ upload_id, files }) => {
      offered = files.map(({ path }) => path);
      return { sent: 0, body: { upload_id, expires_at: 0, refused: [], send: [] } };
    },
    save: async (body) => {
      const paths = (await readSaveBody(body)).header.files.map(({ path }) => path);
      happened.push(...paths.map((path) => `save ${path} there`));
      return results(paths);
    },
    finalize: async () => {
      happened.push(...offered.map((path) => `make ${path} there`));
      return results(offered);
    },
  };
  folder = await openFolder(api);
  transfers = {
    fetched: [],
    sent: [],
    start: (steps) => void happened.push(...steps.map((step) => `${step.do} ${step.path} begins`)),
    holds: () => false,
    direct: { channel: newUpChannel(new Gate({ onBack: () => undefined })), signal: new AbortController().signal },
  };
});

const carryOut = (...plan: Operation[]): Promise<number> =>
  execute(folder.sync, plan, { transfers, interrupted: () => wasCut });

test('directories are there before what moves into them; content is handed over before anything goes', async () => {
  const { sync, on, agreed, look } = folder;
  await agreed({ gone: 'g', dropped: 'd', old: 'o', away: 'a', kept: 'k' });
  await mkdir(on('new'));
  await look();
  sync.state.set('remote', 'there', directory);
  sync.state.set('remote', 'down', await remoteFile('content', 1));
  sync.state.set('remote', 'there/away', await remoteFile('a', 2));
  const deletions = await carryOut(
    { do: 'upload', path: 'new', base_version: 0, makesRoom: true },
    { do: 'moveRemote', from: 'old', to: 'new/old', base_version: 1 },
    { do: 'download', path: 'there', makesRoom: true },
    { do: 'moveLocal', from: 'away', to: 'there/away' },
    { do: 'setAside', path: 'kept', to: 'kept (copy)' },
    { do: 'download', path: 'down' },
    { do: 'deleteLocal', path: 'gone' },
    { do: 'upload', path: 'up', base_version: 0 },
    { do: 'deleteRemote', path: 'dropped', base_version: 1 },
  );
  expect(happened.slice(0, 2)).toEqual(['make new there', 'move old to new/old there']);
  expect(happened.indexOf('upload up begins')).toBeLessThan(happened.indexOf('delete dropped there'));
  expect(happened).toContain('download down begins');
  expect((await readdir(sync.root)).sort()).toEqual(['.tidemark', 'dropped', 'kept (copy)', 'new', 'old', 'there']);
  expect(await readdir(on('there'))).toEqual(['away']);
  expect(deletions, 'files that are gone, for the question at more than half').toBe(2);
});

test('what was sent is committed between the calls for what is small, not after them', async () => {
  const { sync, on, look } = folder;
  await writeFile(on('large'), 'large');
  for (const name of ['a', 'b', 'c', 'd']) await writeFile(on(name), randomBytes(sync.saves.most));
  await look();
  const local = sync.state.trees.local.get('large')!;
  const what = { id: randomUUID(), accepted: [{ path: 'large', base_version: 0, local }], refused: [], bytes: 0 };
  const sent = [{ what, steps: [], done: () => void sent.shift() }];
  transfers = { ...transfers, sent };
  offered = ['large'];
  await carryOut(...['a', 'b', 'c', 'd'].map((path) => ({ do: 'upload', path, base_version: 0 }) as const));
  expect(happened.indexOf('make large there')).toBeGreaterThan(happened.indexOf('save a there'));
  expect(happened.indexOf('make large there')).toBeLessThan(happened.indexOf('save d there'));
});

test('what both sides hold is written down, and what neither has is forgotten', async () => {
  const { sync, agreed } = folder;
  await agreed({ a: 'same' });
  sync.state.set('synced', 'b', syncedEntry(directory, sync.state.trees.local.get('a')!));
  sync.state.remove('synced', 'a');
  await carryOut({ do: 'adopt', path: 'a' }, { do: 'forget', path: 'b' });
  expect([...sync.state.trees.synced.keys()]).toEqual(['a']);
});

test('permissions that came to a file are given to it', async () => {
  const { sync, agreed } = folder;
  await agreed({ a: 'text' });
  await carryOut({ do: 'setMode', path: 'a', mode: 0o600 });
  expect(sync.state.trees.local.get('a')?.mode).toBe(0o600);
});

test('of a plan that is cut off nothing is begun or deleted any more', async () => {
  const { sync, agreed } = folder;
  await agreed({ a: 'text', b: 'text' });
  sync.state.set('remote', 'down', await remoteFile('content', 1));
  wasCut = true;
  await carryOut(
    { do: 'download', path: 'down' },
    { do: 'deleteLocal', path: 'a' },
    { do: 'deleteRemote', path: 'b', base_version: 1 },
  );
  expect(happened).toEqual([]);
  expect((await readdir(sync.root)).sort()).toEqual(['.tidemark', 'a', 'b']);
});

test('a step that fails concerns its paths alone', async () => {
  const { sync, on, agreed } = folder;
  await agreed({ a: 'text', b: 'text' });
  await writeFile(on('a'), 'edited');
  await carryOut({ do: 'deleteLocal', path: 'a' }, { do: 'deleteLocal', path: 'b' });
  expect(sync.failures.paths).toEqual(['a']);
  expect(await readdir(sync.root)).toEqual(['.tidemark', 'a']);
});
