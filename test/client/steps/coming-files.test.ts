import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { RemoteEntry } from '../../../client/plan/tree.ts';
import { Gate } from '../../../client/service/gate.ts';
import { newDownChannel } from '../../../client/steps/channels.ts';
import { ComingFiles } from '../../../client/steps/coming-files.ts';
import { isUnfinished } from '../../../protocol/reserved-name.ts';
import { bitsSet, sentBits } from '../../../protocol/sent-bits.ts';
import { soon } from '../../support/soon.ts';
import { answerOf, serveTls } from '../cdn.ts';
import { blockOf, openFolder, type StepFolder } from './open-folder.ts';

/* A file of small blocks that another device sends, of which the test says how much is there. */

const PATH = 'films/film';
const texts = ['the first', 'the second', 'the third', 'the last'];
const content = texts.join('');
const upload_id = randomUUID();
const { signal } = new AbortController();

let folder: StepFolder;
let channel: ReturnType<typeof newDownChannel>;
let coming: ComingFiles;
let remote: RemoteEntry;
/** Texts that the CDN was asked for. */
let served: string[];
/** Calls that asked for the file or its blocks. */
let calls: number;
/** Whether the upload still gives its blocks. */
let isOpen: boolean;

beforeEach(async () => {
  [served, calls, isOpen] = [[], 0, true];
  const blocks = await Promise.all(texts.map(blockOf));
  remote = { kind: 'file', size: content.length, mode: 0o644, mtime_ms: 5, version: 1, blocks };
  const byHash = new Map(blocks.map(({ hash }, index) => [hash, texts[index]!]));
  const url = await serveTls((request, response) => {
    const text = byHash.get(request.url!.slice(1))!;
    served.push(text);
    response.end(text);
  });
  folder = await openFolder({
    download: async ({ files: [file] }) => {
      const { path, upload, sent } = file!;
      const isSent = bitsSet(sent ?? '');
      const { lacks = remote.blocks.filter((_, number) => isSent(number)).map(({ hash }) => hash) } = file!;
      calls++;
      const isThere = upload === undefined || isOpen;
      const entry = { ...remote, path, blocks: [...remote.blocks] };
      const urls = Object.fromEntries(isThere ? lacks.map((hash) => [hash, url + hash]) : []);
      const files = [isThere ? { path, entry } : { path, error: { code: 'not_found', message: 'gone' } as const }];
      return answerOf({ files, urls, urls_expire_at: 0 });
    },
  });
  await mkdir(folder.on('films'));
  channel = newDownChannel(new Gate());
  coming = new ComingFiles(folder.sync, { channel, demandRoot: async () => undefined });
  onTestFinished(() => coming.close());
});

/** Another device tells which of the four blocks are there. */
function hear(...numbers: readonly number[]): void {
  const sent = sentBits(texts.map((_, number) => numbers.includes(number)));
  coming.hear({ type: 'sending', upload_id, path: PATH, sent });
}

const finish = (entry: RemoteEntry = remote) => coming.finish({ path: PATH, remote: entry }, signal);
const beside = (): Promise<string[]> => readdir(folder.on('films'));
const untilServed = (...wanted: string[]): Promise<void> => soon(() => expect(served).toEqual(wanted));

test('blocks come as they are told of, the rest with the version, none of them twice', async () => {
  hear(2);
  await untilServed('the third');
  hear(2, 0);
  await untilServed('the third', 'the first');
  expect((await beside()).filter(isUnfinished)).toHaveLength(1);
  const written = await finish();
  expect(await readFile(written!.beside.temporary, 'utf8')).toBe(content);
  expect(written!.received).toBe(content.length);
  expect(served.toSorted()).toEqual(texts.toSorted());
});

test('what was sent when it was told of comes after one call', async () => {
  hear(0, 1, 3);
  await soon(() => expect(served).toHaveLength(3));
  expect(calls).toBe(1);
  await finish();
  expect(calls).toBe(2);
});

test('URLs of what is told of later are there before a block is wanted', async () => {
  hear(0);
  await untilServed('the first');
  const { window } = channel;
  const ends = Promise.withResolvers<void>();
  const others = Array.from({ length: 8 }, () =>
    window.run(
      () => ends.promise,
      () => 1,
    ),
  );
  hear(0, 1, 2, 3);
  await soon(() => expect(calls).toBe(2));
  expect(served).toHaveLength(1);
  ends.resolve();
  await Promise.all(others);
  await finish();
  expect(calls).toBe(2);
});

test('what the upload gives no more is waited for, and its version has it', async () => {
  hear(1);
  await untilServed('the second');
  isOpen = false;
  hear(1, 3);
  expect(await readFile((await finish())!.beside.temporary, 'utf8')).toBe(content);
});

test.each([
  ['has another content', { size: 1, blocks: [] }],
  ['has another time', { mtime_ms: 6 }],
])('what was fetched is given up for a version that %s', async (_, difference) => {
  hear(0);
  await untilServed('the first');
  expect(await finish({ ...remote, ...difference })).toBeUndefined();
  expect(await beside()).toEqual([]);
});

test('another upload of the same path takes its place, and a third path waits for none', async () => {
  hear(0);
  await untilServed('the first');
  const tell = (path: string): void =>
    coming.hear({ type: 'sending', upload_id: randomUUID(), path, sent: sentBits([false, true]) });
  tell(PATH);
  await untilServed('the first', 'the second');
  await soon(async () => expect(await beside()).toHaveLength(1));
  tell('second');
  tell('third');
  await soon(async () => expect((await readdir(folder.sync.root)).filter(isUnfinished)).toHaveLength(1));
});

test('nothing is left where something moves', async () => {
  hear(0);
  await untilServed('the first');
  await coming.makeWay([{ do: 'moveLocal', from: 'films', to: 'old films' }]);
  expect(await beside()).toEqual([]);
  expect(await finish()).toBeUndefined();
});

test('nothing is left of what another version overtook, and nothing begun of it', async () => {
  hear(0);
  await untilServed('the first');
  folder.sync.state.set('remote', PATH, { ...remote, size: 1, blocks: [] });
  await coming.makeWay([]);
  expect(await beside()).toEqual([]);
  hear(0);
  expect(await finish()).toBeUndefined();
  expect(served).toEqual(['the first']);
});

test('what nobody tells of any more is given up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  hear(0);
  await untilServed('the first');
  await vi.advanceTimersByTimeAsync(60_000);
  hear(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await beside()).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(60_000);
  await soon(async () => expect(await beside()).toEqual([]));
});

test('nothing is begun of what lies here already, nor where there is no folder for it', async () => {
  await writeFile(folder.on(PATH), content);
  const blocks = remote.blocks;
  folder.sync.state.set('local', PATH, { ...remote, blocks, identity: '', hint: '' });
  hear(0);
  expect(await finish()).toBeUndefined();
  expect(served).toEqual([]);
  expect(await beside()).toEqual(['film']);
});

test('a part that is damaged on its way is not written', async () => {
  remote = {
    ...remote,
    blocks: [{ ...(await blockOf('another')), size: texts[0]!.length }, ...remote.blocks.slice(1)],
  };
  hear(1, 2, 3);
  await soon(() => expect(served).toHaveLength(3));
  await expect(finish()).resolves.toBeUndefined();
  expect(await beside()).toEqual([]);
});

test('what is given up before the service has answered is not begun, and nobody waits for the answer', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { download } = folder.sync.api;
  const asked = vi.fn(async (request: Parameters<typeof download>[0]) => {
    await promise;
    return await download(request);
  });
  const slow = new ComingFiles(
    { ...folder.sync, api: { ...folder.sync.api, download: asked } },
    { channel: newDownChannel(new Gate()), demandRoot: async () => undefined },
  );
  slow.hear({ type: 'sending', upload_id, path: PATH, sent: sentBits([true]) });
  await soon(() => expect(asked).toHaveBeenCalled());
  await slow.close();
  resolve();
  await asked.mock.results[0]!.value;
  await new Promise((done) => setImmediate(done));
  expect(await beside()).toEqual([]);
  expect(served).toEqual([]);
});

test('a sync that ends leaves nothing', async () => {
  hear(0, 1, 2, 3);
  await soon(() => expect(served).toHaveLength(4));
  await coming.close();
  hear(0);
  expect(await beside()).toEqual([]);
});
