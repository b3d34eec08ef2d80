import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { LocalTrouble } from '../../client/common/errors.ts';
import { Clock } from '../../client/engine/clock.ts';
import { DeletionGuard } from '../../client/engine/deletion-guard.ts';
import { Rounds } from '../../client/engine/round.ts';
import { Transfers } from '../../client/engine/transfers.ts';
import type { LocalEntry, SyncedEntry } from '../../client/plan/tree.ts';
import type { Api } from '../../client/service/api.ts';
import { Unreachable } from '../../client/service/errors.ts';
import type { Sync } from '../../client/steps/context.ts';
import type { Entry } from '../../protocol/entry.ts';
import { temporaryFolder } from './folder.ts';
import { openSync } from './open-sync.ts';

/*
 * One round on a real state and folder, at a time that the test sets. What the look at the disk finds and what the
 * service answers is given by the test; `happened` tells what was done, in its order.
 */

const device = { id: '00000000-0000-4000-8000-000000000000', name: 'desk' };
const directory: LocalEntry = {
  kind: 'directory',
  size: 0,
  mode: 0o755,
  mtime_ms: 0,
  blocks: [],
  identity: '1:1:1',
  hint: '',
};

let now: number;
let happened: string[];
let found: (sync: Sync) => void;
let missingRoot: Error | undefined;
/** A path that may turn up under another name. */
let unsettled: string | undefined;
let sync: Sync;
let rounds: Rounds;
let transfers: Transfers;
let news: PromiseWithResolvers<void>;
let clock: Clock;

async function start(api: Partial<Api> = {}): Promise<void> {
  const quiet: Partial<Api> = {
    changes: async (_device, cursor) => {
      happened.push('catch up');
      return { sent: 0, body: { changes: [], cursor, more: false } };
    },
    damage: async () => {
      happened.push('heal');
      return { sent: 0, body: { hashes: [] } };
    },
    uploadInit: async ({ upload_id, files }) => {
      happened.push(...files.map(({ path }) => `upload ${path}`));
      return { sent: 0, body: { upload_id, expires_at: 0, refused: [], send: [] } };
    },
  };
  sync = await openSync(await temporaryFolder(), { ...quiet, ...api } as Api, device);
  onTestFinished(() => sync.state.close());
  // Uploads go beside the rounds, and are committed by them.
  sync.saves.close();
  clock = new Clock(() => now);
  const demandRoot = async (): Promise<void> => {
    if (missingRoot) throw missingRoot;
  };
  transfers = new Transfers({ sync, demandRoot, onNews: () => news.resolve() });
  onTestFinished(() => transfers.close());
  rounds = new Rounds({
    sync,
    transfers,
    clock,
    lookout: {
      look: async ({ first = false } = {}) => {
        happened.push(first ? 'first look' : 'look');
        sync.notices.takeUnseen();
        found(sync);
      },
      readIgnores: async () => void happened.push('read rules'),
      blocked: () => false,
      goesAlong: () => true,
      isUnsettled: (path) => path === unsettled,
      isRestless: false,
    },
    guard: new DeletionGuard(false),
    demandRoot,
    onCaughtUp: () => happened.push('caught up'),
    signal: new AbortController().signal,
  });
}

beforeEach(() => {
  now = 1_000_000;
  happened = [];
  found = () => undefined;
  missingRoot = undefined;
  unsettled = undefined;
  news = Promise.withResolvers();
});

/** The rounds until nothing is left to do and nothing on its way; answers how long to wait then. */
async function settle(): Promise<number> {
  for (;;) {
    const wait = await rounds.run();
    if (wait === undefined) continue;
    if (transfers.isIdle) return wait;
    await news.promise;
    news = Promise.withResolvers();
  }
}

const finalized = (version: number): Pick<Api, 'finalize'> => ({
  finalize: async () => {
    const cursor = sync.state.cursor + 1;
    return { sent: 0, body: { results: [{ path: 'docs', version, version_id: device.id, cursor }] } };
  },
});

test('a round looks, catches up, plans and executes; others commit what was sent; then nothing is left to do', async () => {
  await start(finalized(1));
  found = ({ state, notices }) => {
    if (state.trees.local.has('docs')) return;
    state.set('local', 'docs', directory);
    notices.replan('docs');
  };
  expect(await settle()).toBe(Number.POSITIVE_INFINITY);
  const once = happened.filter((what) => what !== 'look');
  expect(once).toEqual(['read rules', 'first look', 'catch up', 'caught up', 'heal', 'upload docs']);
  expect(sync.state.trees.synced.get('docs')).toMatchObject({ kind: 'directory', version: 1 });
  happened = [];
  expect(await rounds.run()).toBe(Number.POSITIVE_INFINITY);
  expect(happened).toEqual(['look']);
});

test('the whole folder, the changes and lost blocks wait until they are due', async () => {
  await start();
  await settle();
  const unseen: string[][] = [];
  found = () => unseen.push([...sync.notices.unseen]);
  happened = [];
  now += 60_000;
  await settle();
  expect(happened).toEqual(['look', 'catch up', 'caught up']);
  happened = [];
  now += 60 * 60_000;
  await settle();
  expect(happened).toEqual(['look', 'catch up', 'caught up', 'heal']);
  expect(clock.rescanIsDue).toBe(false);
});

test('what failed waits, and is not tried before', async () => {
  await start({
    finalize: async () => ({
      sent: 0,
      body: { results: [{ path: 'docs', error: { code: 'quota_exceeded', message: 'full' } }] },
    }),
  });
  found = ({ state, notices }) => {
    state.set('local', 'docs', directory);
    notices.replan('docs');
  };
  const wait = await settle();
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(1000);
  expect(happened.filter((what) => what === 'upload docs')).toHaveLength(1);
  found = ({ state, notices }) => {
    state.remove('local', 'docs');
    notices.replan('docs');
  };
  expect(await settle()).toBe(Number.POSITIVE_INFINITY);
  expect([sync.failures.paths, sync.state.problems()], 'a failure of what is no longer to do').toEqual([[], []]);
});

test('a directory that is renamed and all that is in it wait for each other', async () => {
  await start({
    move: async ({ moves }) => {
      happened.push(...moves.map(({ from }) => `move ${from}`));
      throw new Unreachable('no answer');
    },
  });
  found = ({ state, notices }) => {
    for (const [index, path] of ['docs', 'docs/in'].entries()) {
      const entry = { ...directory, identity: `1:${index}:1` };
      state.set('remote', path, { ...directory, version: 1 });
      state.set('synced', path, { ...entry, version: 1 });
      state.set('local', path.replace('docs', 'papers'), entry);
      notices.replan(path, path.replace('docs', 'papers'));
    }
    for (let times = 0; times < 3; times++) sync.failures.fail('docs', 'stale_version', 'changed elsewhere');
    found = () => undefined;
  };
  expect(await settle()).toBeGreaterThan(0);
  expect(
    happened.filter((what) => what.startsWith('move')),
    'half of a directory',
  ).toEqual([]);
  sync.failures.retryNow('stale_version');
  await expect(settle()).rejects.toThrow('no answer');
  expect(happened.filter((what) => what.startsWith('move'))).toEqual(['move docs', 'move docs/in']);
});

test('what is put off until a rename was seen whole is planned again, also what was on its way or had failed', async () => {
  await start();
  unsettled = 'docs';
  found = ({ state, notices, failures }) => {
    state.set('synced', 'docs', { ...directory, version: 1 });
    state.set('remote', 'docs', { ...directory, mode: 0o700, version: 2 });
    failures.fail('docs', 'local', 'could not be made');
    failures.retryNow('local');
    notices.planned([]);
    found = () => undefined;
  };
  await rounds.run();
  expect(sync.state.trees.local.has('docs')).toBe(false);
  unsettled = undefined;
  await settle();
  expect(sync.state.trees.local.has('docs')).toBe(true);
});

test('changes that could not be read are read by the next round', async () => {
  let away: Error | undefined = new Unreachable('no answer');
  await start({
    changes: async (_device, cursor) => {
      if (away) throw away;
      happened.push('catch up');
      return { sent: 0, body: { changes: [], cursor, more: false } };
    },
  });
  await expect(rounds.run()).rejects.toBe(away);
  away = undefined;
  await rounds.run();
  expect(happened).toContain('catch up');
});

test('a folder that is not the one it was ends the round before anything is looked at', async () => {
  await start();
  missingRoot = new LocalTrouble('gone');
  await expect(rounds.run()).rejects.toBe(missingRoot);
  expect(happened).toEqual([]);
});

test('after trouble with this machine the rules are read again', async () => {
  await start();
  await settle();
  happened = [];
  rounds.startOver();
  await settle();
  expect(happened).toEqual(['read rules', 'look']);
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
  await start({
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
  found = () => here.push([...sync.state.trees.local.keys()]);
  await settle();
  expect(happened.filter((what) => what === 'read rules')).toHaveLength(2);
  expect(here.find((paths) => paths.length > 0)).toEqual(['.tidemarkignore']);
  expect([...sync.state.trees.local.keys()].sort()).toEqual(['.tidemarkignore', 'a.tmp']);
});

test('a plan that would delete most files is not carried out', async () => {
  await start();
  const base: SyncedEntry = { ...directory, kind: 'file', version: 1 };
  for (const path of ['a', 'b', 'c', 'd', 'e', 'f']) {
    sync.state.set('synced', path, base);
    sync.state.set('remote', path, base);
    sync.notices.replan(path);
  }
  await expect(rounds.run()).rejects.toMatchObject({ code: 'mass_delete' });
  expect(sync.state.trees.remote.size).toBe(6);
});
