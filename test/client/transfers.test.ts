import { readdir, writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Clock } from '../../client/engine/clock.ts';
import { DeletionGuard } from '../../client/engine/deletion-guard.ts';
import { Readings } from '../../client/engine/readings.ts';
import { Rounds } from '../../client/engine/round.ts';
import { Transfers } from '../../client/engine/transfers.ts';
import type { Api } from '../../client/service/api.ts';
import type { BlockToSend } from '../../protocol/upload-init.ts';
import { soon } from '../support/soon.ts';
import { answerOf, serveTls } from './cdn.ts';
import { done, openFolder, remoteFile, type StepFolder } from './steps/open-folder.ts';

/*
 * Content on its way while rounds go on: on a real folder, to and from a store behind TLS that answers when the test
 * lets it. What the service answers, and what a look at the disk finds, is given by the test.
 */

const FILM = 'f'.repeat(40 * 1024 * 1024);

let folder: StepFolder;
let rounds: Rounds;
let transfers: Transfers;
let news: PromiseWithResolvers<void>;
let version: number;
/** Paths of the files that were offered, call by call, and that were committed. */
let offered: string[][];
let committed: string[];
/** Whether the store and the CDN answer nothing. */
let isStalled: boolean;
/** Requests to them that are open. */
let open: number;
/** What the CDN has. */
let content: string;

beforeEach(async () => {
  [version, offered, committed, isStalled, open, content] = [0, [], [], true, 0, ''];
  news = Promise.withResolvers();
  const url = await serveTls((request, response) => {
    open++;
    request.resume().on('error', () => undefined);
    response.on('close', () => open--);
    if (!isStalled) response.writeHead(200, { etag: '"a"' }).end(request.method === 'GET' ? content : '');
  });
  const sessions = new Map<string, string[]>();
  const api: Partial<Api> = {
    changes: async (_, cursor) => ({ sent: 0, body: { changes: [], cursor, more: false } }),
    damage: async () => ({ sent: 0, body: { hashes: [] } }),
    uploadInit: async ({ upload_id, files }) => {
      const paths = files.map(({ path }) => path);
      if (!sessions.has(upload_id)) offered.push(paths);
      sessions.set(upload_id, paths);
      const blocks = files.filter(({ path }) => path !== 'note').flatMap((file) => file.blocks);
      const send = blocks.map(({ hash }): BlockToSend => ({ how: 'put', hash, url, headers: {} }));
      return { sent: 0, body: { upload_id, expires_at: 0, refused: [], send } };
    },
    finalize: async ({ upload_id }) => {
      const paths = sessions.get(upload_id)!;
      committed.push(...paths);
      return { sent: 0, body: { results: paths.map((path) => done(path, ++version, version)) } };
    },
    download: async ({ files }) => {
      const urls = Object.fromEntries(files.flatMap(({ lacks = [] }) => lacks.map((hash) => [hash, url])));
      return answerOf({ urls, urls_expire_at: 0 });
    },
  };
  folder = await openFolder(api);
  const { sync } = folder;
  // Here small content, too, goes to the store.
  sync.saves.close();
  const demandRoot = async (): Promise<void> => undefined;
  transfers = new Transfers({ sync, demandRoot, onNews: () => news.resolve() });
  onTestFinished(() => transfers.close());
  rounds = new Rounds({
    sync,
    transfers,
    clock: new Clock(),
    lookout: {
      look: async () => void sync.notices.takeUnseen(),
      readIgnores: async () => undefined,
      rulesDiffer: async () => false,
      blocked: () => false,
      goesAlong: () => true,
      isUnsettled: () => false,
      readings: new Readings(() => undefined),
      isRestless: false,
    },
    guard: new DeletionGuard(true),
    demandRoot,
    onCaughtUp: () => undefined,
    signal: new AbortController().signal,
  });
});

/** A file is saved here, and found by a look. */
async function save(path: string, text: string): Promise<void> {
  await writeFile(folder.on(path), text);
  await folder.look();
  folder.sync.notices.replan(path);
}

/** Another device has committed a file. */
async function arrive(path: string, text: string, at: number): Promise<void> {
  folder.sync.state.set('remote', path, await remoteFile(text, at));
  folder.sync.notices.replan(path);
}

/** Rounds, until one has nothing to do; then again whenever there is news, until it is so. */
async function until(holds: () => boolean): Promise<void> {
  for (;;) {
    while ((await rounds.run()) === undefined);
    if (holds()) return;
    await news.promise;
    news = Promise.withResolvers();
  }
}

const isSynced = (path: string) => (): boolean => folder.sync.state.trees.synced.has(path);

describe('while the store stands still', () => {
  test('a note goes up beside a film', async () => {
    await save('film', FILM);
    await until(() => true);
    await save('note', 'to buy: bread');
    await until(isSynced('note'));
    expect(committed).toEqual(['note']);
    expect(transfers.isIdle, 'whether the film is given up').toBe(false);
    isStalled = false;
  });

  test('what needs nothing of it comes down beside a film', async () => {
    await arrive('film', FILM, 1);
    await until(() => true);
    await arrive('empty', '', 2);
    await until(isSynced('empty'));
    expect(transfers.load.files).toBe(1);
  });
});

describe('a file on its way', () => {
  test('up that is saved again is given up, and sent as it is now', async () => {
    await save('film', FILM);
    await until(() => true);
    await soon(() => expect(open).toBeGreaterThan(0));
    await save('film', 'another film');
    await until(() => true);
    await soon(() => expect(offered).toEqual([['film'], ['film']]));
    isStalled = false;
    await soon(() => expect(open, 'requests for what nobody wants').toBeLessThanOrEqual(1));
  });

  test('up that is deleted is given up, and not committed', async () => {
    await save('film', FILM);
    await until(() => true);
    folder.sync.state.remove('local', 'film');
    folder.sync.notices.replan('film');
    await until(() => transfers.isIdle);
    expect(committed).toEqual([]);
  });

  test('down of which there is another version is given up, and nothing of it stays', async () => {
    await arrive('film', 'first cut', 1);
    await until(() => true);
    await soon(() => expect(open).toBe(1));
    [isStalled, content] = [false, 'second cut'];
    await arrive('film', 'second cut', 2);
    await until(isSynced('film'));
    expect(await folder.text('film')).toBe('second cut');
    expect(await readdir(folder.sync.root)).toEqual(['.tidemark', 'film']);
  });

  test('down that was deleted elsewhere before it was put in place is not put there', async () => {
    [isStalled, content] = [false, 'text'];
    await arrive('draft', 'text', 1);
    await until(() => true);
    await news.promise;
    folder.sync.state.remove('remote', 'draft');
    folder.sync.notices.replan('draft');
    await until(() => transfers.isIdle);
    expect(await readdir(folder.sync.root), 'I15: what the plan does not want any more').toEqual(['.tidemark']);
  });

  test('down does not replace what the user wrote meanwhile', async () => {
    [isStalled, content] = [false, 'theirs'];
    await arrive('draft', 'theirs', 1);
    await until(() => true);
    await news.promise;
    await writeFile(folder.on('draft'), 'mine');
    await until(() => transfers.isIdle);
    expect(await folder.text('draft'), 'I16: a file that no look had found').toBe('mine');
    expect(await readdir(folder.sync.root)).toEqual(['.tidemark', 'draft']);
  });

  test('one of several that are sent together leaves the others, and follows in its turn', async () => {
    await save('one', 'first words');
    await save('two', 'other words');
    await until(() => true);
    await soon(() => expect(open).toBe(2));
    await save('one', 'second words');
    await until(() => true);
    expect(offered, 'sessions for one path at a time').toEqual([['one', 'two']]);
    isStalled = false;
  });

  test('leaves nothing behind when the sync ends', async () => {
    await arrive('film', FILM, 1);
    await arrive('note', 'n', 2);
    await until(() => true);
    await soon(() => expect(open).toBe(2));
    await transfers.close();
    await soon(() => expect(open).toBe(0));
    expect(await readdir(folder.sync.root)).toEqual(['.tidemark']);
  });
});

test('a folder is committed before what is in it, whichever is sent first', async () => {
  const { mkdir } = await import('node:fs/promises');
  isStalled = false;
  await mkdir(folder.on('d'));
  await save('d/film', FILM);
  folder.sync.notices.replan('d');
  await until(isSynced('d/film'));
  expect(committed).toEqual(['d', 'd/film']);
});
