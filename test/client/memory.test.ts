import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { collector } from '../../cli/collector.ts';
import { compileIgnores } from '../../client/disk/ignore.ts';
import { Clock } from '../../client/engine/clock.ts';
import { DeletionGuard } from '../../client/engine/deletion-guard.ts';
import { Lookout } from '../../client/engine/lookout.ts';
import { Rounds } from '../../client/engine/round.ts';
import { Transfers } from '../../client/engine/transfers.ts';
import type { Api } from '../../client/service/api.ts';
import type { Change } from '../../protocol/changes.ts';
import { device, done, openFolder, type StepFolder } from './steps/open-folder.ts';

/* What a sync remembers of paths once nothing is left to do. The service takes everything but some renames. */

const FILES = 60;
/** Another device. */
const other = '00000000-0000-4000-8000-000000000001';

let folder: StepFolder;
let rounds: Rounds;
let transfers: Transfers;
/** Changes that are still to be read. */
let changes: Change[];
let cursor: number;

beforeEach(async () => {
  [changes, cursor] = [[], 0];
  folder = await openFolder(fakeService());
  // Small content, too, goes beside the rounds, where something is remembered of it.
  folder.sync.saves.close();
  const { sync } = folder;
  transfers = new Transfers({ sync, demandRoot: async () => undefined, onNews: () => undefined });
  onTestFinished(() => transfers.close());
  const watch = { directory: () => undefined, forget: () => undefined, close: () => undefined };
  const lookout = new Lookout(sync, watch, { later: () => undefined, isCollecting: false });
  const [clock, guard, { signal }] = [new Clock(), new DeletionGuard(true), new AbortController()];
  const nothing = { demandRoot: async () => undefined, onCaughtUp: () => undefined };
  rounds = new Rounds({ sync, transfers, clock, lookout, guard, signal, ...nothing });
});

function fakeService(): Partial<Api> {
  const sessions = new Map<string, readonly string[]>();
  const took = (paths: readonly string[]) => ({
    sent: 0,
    body: { results: paths.map((path) => done(path, 1, ++cursor)) },
  });
  return {
    changes: async () => ({ sent: 0, body: { changes: changes.splice(0), cursor, more: false } }),
    damage: async () => ({ sent: 0, body: { hashes: [] } }),
    uploadInit: async ({ upload_id, files }) => {
      sessions.set(
        upload_id,
        files.map(({ path }) => path),
      );
      return { sent: 0, body: { upload_id, expires_at: 0, refused: [], send: [] } };
    },
    finalize: async ({ upload_id }) => took(sessions.get(upload_id)!),
    move: async ({ moves }) => {
      const error = { code: 'limit_exceeded' as const, message: 'too deep' };
      const refused = moves.filter((_, nth) => nth % 2 === 0).map(({ to: path }) => ({ path, error }));
      const answer = took(moves.filter((_, nth) => nth % 2 === 1).map(({ to }) => to));
      return { sent: 0, body: { results: [...refused, ...answer.body.results] } };
    },
    remove: async ({ files }) => {
      changes.push(...files.map(({ path, base_version }) => deletion(path, base_version + 1, device.id)));
      return took(files.map(({ path }) => path));
    },
  };
}

function deletion(path: string, version: number, by: string): Change {
  const entry = { path, kind: 'file' as const, size: 0, mtime_ms: 0, mode: 0o644, version, blocks: [] };
  return { cursor: ++cursor, change_type: 'delete', entry, device_id: by, timestamp: 0 };
}

/** A rename of a folder by another device, with so many entries in it, itself included. */
function renamed(from: string, to: string, entries: number): Change {
  const entry = { path: to, kind: 'directory' as const, size: 0, mtime_ms: 0, mode: 0o755, version: 2, blocks: [] };
  const told = { change_type: 'move' as const, entry, moved_from: from, entries, device_id: other, timestamp: 0 };
  cursor += entries;
  return { cursor: cursor - entries + 1, ...told };
}

/** Looks at everything, or at these paths, and does what is to be done; answers what is still remembered of paths. */
async function settle(...paths: readonly string[]): Promise<Record<string, number>> {
  const { sync } = folder;
  for (const name of await readdir(folder.on('d'))) sync.notices.noticed(`d/${name}`, 1);
  for (const path of paths.length > 0 ? paths : ['']) sync.notices.look(path);
  sync.notices.readChanges();
  do while ((await rounds.run()) === undefined);
  while (!transfers.isIdle);
  const { notices, failures, unmovable, tombstones, snapshots } = sync;
  return {
    unseen: notices.unseen.size,
    dirty: notices.dirty.size,
    failed: failures.size,
    unmovable: unmovable.size,
    tombstones: tombstones.size,
    copies: snapshots.paths.length,
    intents: sync.state.intents.length,
  };
}

test('nothing is remembered of paths on which both sides agree, or that are gone', async () => {
  const nothing = { unseen: 0, dirty: 0, failed: 0, unmovable: 0, tombstones: 0, copies: 0, intents: 0 };
  await mkdir(folder.on('d'));
  for (let nth = 0; nth < FILES; nth++) await writeFile(folder.on(`d/${nth}`), `file ${nth}`);
  expect(await settle(), 'new files').toEqual(nothing);
  for (let nth = 0; nth < FILES; nth++) await rename(folder.on(`d/${nth}`), folder.on(`d/renamed ${nth}`));
  expect(await settle(), 'renamed ones, of which the service refuses half').toEqual(nothing);
  for (const name of await readdir(folder.on('d'))) await unlink(folder.on(`d/${name}`));
  expect(await settle(), 'deleted ones').toEqual(nothing);
  changes.push(...['x', 'y'].map((path) => deletion(path, 2, other)));
  expect(await settle(), 'deletions of what was never here').toEqual(nothing);
  const { local, synced } = folder.sync.state.trees;
  expect([[...local.keys()], [...synced.keys()]]).toEqual([['d'], ['d']]);
  expect(folder.sync.notices.noticedAt('d/0')).toEqual({});
});

/** How often a tree was gone through while something was done. */
async function walksDuring(act: () => Promise<unknown>): Promise<number> {
  const { local, remote, synced } = folder.sync.state.trees;
  const methods = ['keys', 'values', 'entries', 'forEach'] as const;
  const spies = [local, remote, synced].flatMap((tree) => methods.map((method) => vi.spyOn(tree, method)));
  await act();
  const calls = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  for (const spy of spies) spy.mockRestore();
  return calls;
}

test('what happens at one place takes no look at all that a tree has', async () => {
  const { on } = folder;
  for (const name of ['d', 'd/in', 'e']) await mkdir(on(name));
  for (let nth = 0; nth < FILES; nth++) await writeFile(on(`d/in/${nth}`), `file ${nth}`);
  await settle();
  const events: Record<string, readonly [act: () => Promise<unknown>, ...looks: string[]]> = {
    'a new file': [() => writeFile(on('d/new'), 'new'), 'd/new'],
    'an edit': [() => writeFile(on('d/in/1'), 'edited'), 'd/in/1'],
    'a new file of several blocks': [() => writeFile(on('e/large'), randomBytes(5 * 1024 * 1024)), 'e/large'],
    'a renamed file': [() => rename(on('d/new'), on('e/newer')), 'd/new', 'e/newer'],
    'a renamed folder': [() => rename(on('d/in'), on('e/out')), 'd/in', 'e/out'],
    'a deleted file': [() => unlink(on('e/out/2')), 'e/out/2'],
    'a deleted folder': [() => rm(on('e/out'), { recursive: true }), 'e/out'],
    'a deletion of another device': [async () => changes.push(deletion('e/newer', 2, other)), 'e'],
    'a folder that another device renamed': [async () => changes.push(renamed('e', 'f', 2)), 'e'],
  };
  for (const [event, [act, ...looks]] of Object.entries(events)) {
    const walks = await walksDuring(async () => {
      await act();
      await settle(...looks);
    });
    expect(walks, event).toBe(0);
  }
  expect([...folder.sync.state.trees.local.keys()].sort()).toEqual(['d', 'f', 'f/large']);
  expect(await walksDuring(() => settle()), 'a look at everything').toBeGreaterThan(0);
});

test('rules that were asked about many paths remember none of them', async () => {
  const ignores = compileIgnores('*.log');
  const used = async (): Promise<number> => {
    await collector()({ type: 'major', execution: 'async', flavor: 'last-resort' });
    return process.memoryUsage().heapUsed;
  };
  const before = await used();
  for (let nth = 0; nth < 200_000; nth++) ignores(`folder/of many/photo ${nth}.jpg`, false);
  expect(ignores('a/b.log', false)).toEqual({ rule: '*.log', source: 'line 1 of .tidemarkignore' });
  expect((await used()) - before).toBeLessThan(10 * 1024 * 1024);
});
