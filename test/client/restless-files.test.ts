import { createHash, randomBytes } from 'node:crypto';
import { readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Clock } from '../../client/engine/clock.ts';
import { DeletionGuard } from '../../client/engine/deletion-guard.ts';
import { Lookout } from '../../client/engine/lookout.ts';
import { Rounds } from '../../client/engine/round.ts';
import { Signals } from '../../client/engine/signals.ts';
import { Transfers } from '../../client/engine/transfers.ts';
import type { Api } from '../../client/service/api.ts';
import type { BlockToSend, OfferedFile } from '../../protocol/upload-init.ts';
import { soon } from '../support/soon.ts';
import { serveTls } from './cdn.ts';
import { done, openFolder, type StepFolder } from './steps/open-folder.ts';

/*
 * A file that a program writes all the time, from the look at it to its commit: on a real folder, to a store behind TLS.
 * What the service answers is given by the test.
 */

let folder: StepFolder;
let rounds: Rounds;
let transfers: Transfers;
let news: PromiseWithResolvers<void>;
/** What the store has, by hash. */
let stored: Set<string>;
/** Called when the client has said what it is about to send. */
let onOffer: () => Promise<void>;
/** Resolves when the store takes what it is sent. */
let storeTakes: Promise<void>;
let offers: number;
let committed: string[];

beforeEach(async () => {
  [news, stored, offers, committed] = [Promise.withResolvers(), new Set(), 0, []];
  [onOffer, storeTakes] = [async () => undefined, Promise.resolve()];
  const url = await serveTls(async (request, response) => {
    const hash = createHash('sha256');
    for await (const part of request) hash.update(part);
    await storeTakes;
    stored.add(hash.digest('hex'));
    response.writeHead(200, { etag: '"a"' }).end();
  });
  folder = await openFolder(fakeService(url));
  const { sync } = folder;
  onTestFinished(() => sync.snapshots.clear());
  transfers = new Transfers({ sync, demandRoot: async () => undefined, onNews: () => news.resolve() });
  onTestFinished(() => transfers.close());
  const watch = { directory: () => undefined, forget: () => undefined, close: () => undefined };
  const later = (path: string, milliseconds: number): void => {
    const timer = setTimeout(() => {
      sync.notices.look(path);
      news.resolve();
    }, milliseconds);
    onTestFinished(() => clearTimeout(timer));
  };
  const signals = { later, isCollecting: false };
  const lookout = new Lookout(sync, watch, signals, { isOnItsWay: (path) => transfers.holds(path) });
  const [clock, guard, { signal }] = [new Clock(), new DeletionGuard(true), new AbortController()];
  const nothing = { demandRoot: async () => undefined, onCaughtUp: () => undefined };
  rounds = new Rounds({ sync, transfers, clock, lookout, guard, signal, ...nothing });
});

function fakeService(url: string): Partial<Api> {
  const sessions = new Map<string, readonly OfferedFile[]>();
  let version = 0;
  return {
    changes: async (_, cursor) => ({ sent: 0, body: { changes: [], cursor, more: false } }),
    damage: async () => ({ sent: 0, body: { hashes: [] } }),
    uploadInit: async ({ upload_id, files }) => {
      sessions.set(upload_id, files);
      offers++;
      await onOffer();
      const blocks = files.flatMap((file) => file.blocks);
      const send = blocks.map(({ hash }): BlockToSend => ({ how: 'put', hash, url, headers: {} }));
      return { sent: 0, body: { upload_id, expires_at: 0, refused: [], send } };
    },
    finalize: async ({ upload_id }) => {
      const results = sessions.get(upload_id)!.map(({ path, blocks }) => {
        const error = { code: 'blocks_missing' as const, message: 'blocks are missing' };
        if (blocks.some(({ hash }) => !stored.has(hash))) return { path, error };
        committed.push(...blocks.map(({ hash }) => hash));
        return done(path, ++version, version);
      });
      return { sent: 0, body: { results } };
    },
  };
}

/** The program writes the file anew in place, and the watch tells of it; answers the hash of what it wrote. */
async function save(): Promise<string> {
  const content = randomBytes(100_000);
  await writeFile(folder.on('index'), content);
  folder.sync.notices.look('index');
  return createHash('sha256').update(content).digest('hex');
}

/** Rounds, until one has nothing to do; then again whenever there is news, until it is so. */
async function until(holds: () => boolean): Promise<void> {
  for (;;) {
    const wait = await rounds.run();
    if (wait === undefined) continue;
    if (holds()) return;
    if (wait < Number.POSITIVE_INFINITY) expect.fail('I57: what was overtaken waits as if it had failed');
    await news.promise;
    news = Promise.withResolvers();
  }
}

/** Rounds, until so many offers were made, of which none is sent. */
async function untilOffered(count: number): Promise<void> {
  await until(() => true);
  await soon(() => expect(offers).toBe(count));
}

const copies = (): Promise<string[]> => readdir(join(folder.sync.root, '.tidemark/snapshots'));

test('a file that is written again each time before it is sent arrives as it was when it was read', async () => {
  const saved = [await save()];
  onOffer = async () => void saved.push(await save());
  await until(() => committed.length > 0);
  expect(saved, 'a state that the file had').toContain(committed[0]);
  expect(saved.indexOf(committed[0]!), 'it was another by then').toBeLessThan(saved.length - 1);
  onOffer = async () => undefined;
  saved.push(await save());
  await until(() => committed.at(-1) === saved.at(-1));
  await rounds.run();
  expect(await copies()).toEqual([]);
});

test('new content waits for that which is on its way, once one was given up for it', async () => {
  const link = Promise.withResolvers<void>();
  storeTakes = link.promise;
  await save();
  await untilOffered(1);
  const second = await save();
  await untilOffered(2);
  const third = await save();
  await until(() => true);
  expect([offers, (await copies()).length]).toEqual([2, 1]);
  expect(folder.sync.state.trees.local.get('index')?.blocks[0]?.hash).toBe(second);
  link.resolve();
  await until(() => committed.length === 1);
  folder.sync.notices.look('index');
  await until(() => committed.length === 2);
  expect(committed).toEqual([second, third]);
});

test('a file of which no copy can be made is taken without one', async () => {
  await writeFile(join(folder.sync.root, '.tidemark/snapshots'), 'in the way');
  storeTakes = new Promise(() => undefined);
  await save();
  await untilOffered(1);
  const second = await save();
  await untilOffered(2);
  expect(folder.sync.state.trees.local.get('index')?.blocks[0]?.hash).toBe(second);
  expect(folder.sync.state.problems()).toEqual([]);
});

test('a file that is deleted while its copy is on its way is not committed, and the copy goes', async () => {
  storeTakes = new Promise(() => undefined);
  await save();
  await untilOffered(1);
  await save();
  await untilOffered(2);
  await unlink(folder.on('index'));
  folder.sync.notices.look('index');
  await until(() => transfers.isIdle);
  await rounds.run();
  expect([committed, await copies()]).toEqual([[], []]);
});

test('of several times at which a path is to be looked at again the first counts', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { notices } = folder.sync;
  notices.takeUnseen();
  const signals = new Signals(notices, new AbortController().signal);
  for (const wait of [500, 100, 1000, 300]) signals.later('index', wait);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(100);
  expect([...notices.takeUnseen()]).toEqual(['index']);
  signals.later('index', 200);
  vi.advanceTimersByTime(1000);
  expect([[...notices.takeUnseen()], vi.getTimerCount()]).toEqual([['index'], 0]);
});
