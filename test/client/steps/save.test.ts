import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ServiceError } from '../../../client/service/errors.ts';
import { Gate } from '../../../client/service/gate.ts';
import { newUpChannel } from '../../../client/steps/channels.ts';
import { saveSmall } from '../../../client/steps/save.ts';
import { EDITED_WHOLE } from '../../../client/steps/small-calls.ts';
import { applyDelta } from '../../../codec/index.ts';
import { readSaveBody } from '../../../lambdas/save/read-body.ts';
import type { CommitResult } from '../../../protocol/commit.ts';
import { limits } from '../../../protocol/limits.ts';
import type { PacksRequest, PacksResponse } from '../../../protocol/packs.ts';
import type { SaveHeader } from '../../../protocol/save.ts';
import { done, openFolder, type StepFolder } from './open-folder.ts';

/* Small content in the call that commits it: what goes along, what goes another way, and what is repeated. */

interface Scene extends StepFolder {
  /** What was sent to the store, by its hash. */
  readonly store: Map<string, Buffer>;
  readonly calls: { readonly header: SaveHeader; readonly texts: Map<string, string> }[];
  /** The paths that go another way. */
  save(...paths: string[]): Promise<string[]>;
}

type Answer = (header: SaveHeader) => CommitResult[] | Promise<CommitResult[]>;

const committed: Answer = ({ files }) => files.map(({ path }, index) => done(path, 1, index + 1));

async function scene(
  answer: Answer = committed,
  busy: readonly string[] = [],
  packs: (url: string, request: PacksRequest) => PacksResponse = takePacks,
): Promise<Scene> {
  const calls: Scene['calls'] = [];
  const store: Scene['store'] = new Map();
  const url = await startStore(store);
  const folder = await openFolder({
    save: async (body) => {
      const { header, contents } = await readSaveBody(body);
      const texts = new Map<string, string>();
      const ends = new Map<number, number>();
      for (const [index, { hash, size, bytes, pack }] of header.contents.entries()) {
        const at = ends.get(pack ?? -1) ?? 0;
        ends.set(pack ?? -1, at + bytes);
        const packed = pack === undefined ? undefined : store.get(header.packs![pack]!.hash)!.subarray(at, at + bytes);
        const content = await applyDelta(new Uint8Array(0), contents[index] ?? packed!, {
          expectedSize: size,
          expectedHash: hash,
        });
        texts.set(hash, Buffer.from(content).toString());
      }
      calls.push({ header, texts });
      return { sent: body.length, body: { results: await answer(header) } };
    },
    packs: async (request) => ({ sent: 1, body: packs(url, request) }),
    uploadInit: async ({ upload_id, files }) => {
      calls.push({ header: { upload_id, files } as unknown as SaveHeader, texts: new Map() });
      return { sent: 1, body: { upload_id, expires_at: 0, refused: [], send: [] } };
    },
    finalize: async () => ({
      sent: 1,
      body: { results: calls.at(-1)!.header.files.map(({ path }) => done(path, 1, 9)) },
    }),
  });
  const channel = newUpChannel(new Gate({ onBack: () => undefined }));
  const sending = { channel, signal: new AbortController().signal };
  return {
    ...folder,
    calls,
    store,
    save: async (...paths) => {
      const steps = paths.map((path) => ({ path, base_version: 0 }));
      const isOnItsWay = (path: string): boolean => busy.includes(path);
      const others: string[] = [];
      const before = calls.length;
      let begins = 0;
      const begin = (begun: readonly { path: string }[]): void => {
        for (const { path } of begun) others.push(path);
        if (begins++ === 0) expect(calls.length, 'calls that it waits for').toBe(before);
      };
      const between = async (): Promise<void> => undefined;
      await saveSmall(folder.sync, steps, { begin, sending, isOnItsWay, between, interrupted: () => false });
      return others;
    },
  };
}

/** A store that takes all. */
async function startStore(store: Map<string, Buffer>): Promise<string> {
  const server = createServer(async (request, response) => {
    store.set(request.url!.slice(1), await buffer(request));
    response.setHeader('etag', '"taken"').end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function takePacks(url: string, { packs }: PacksRequest): PacksResponse {
  return { send: packs.map(({ hash }) => ({ hash, url: `${url}/${hash}`, headers: {} })) };
}

/** Says that the line carries as much as any call may. */
async function widen(saves: Scene['sync']['saves']): Promise<void> {
  for (let call = 0; call < 4; call++) await saves.measured(64 * 1024 * 1024, async () => undefined);
  expect(saves.isWide).toBe(true);
}

test('what is more than a call carries lies in packs, and what is less goes along', async () => {
  const { sync, on, look, save, calls, store } = await scene();
  await writeFile(on('first'), randomBytes(EDITED_WHOLE));
  await look();
  await save('first');
  expect(calls.pop()!.header, 'on a line that may be slow').toMatchObject({ packs: [], contents: [{}] });
  await widen(sync.saves);
  const names = Array.from({ length: 30 }, (_, index) => `large${String(index).padStart(2, '0')}`);
  for (const name of names) await writeFile(on(name), randomBytes(200_000).toString('base64').slice(0, 200_000));
  await writeFile(on('note'), 'n');
  await look();
  expect(await save('note', ...names)).toEqual([]);
  expect(calls).toHaveLength(1);
  const [{ header, texts }] = calls as [Scene['calls'][0]];
  expect(header.packs!.map(({ hash, size }) => [hash, size])).toEqual(
    [...store].map(([hash, bytes]) => [hash, bytes.length]),
  );
  expect(store.size).toBe(2);
  for (const bytes of store.values()) expect(bytes.length).toBeLessThanOrEqual(limits.blockBytes);
  expect(texts.size).toBe(31);
  expect(header.contents.filter(({ pack }) => pack === undefined)).toMatchObject([{ size: 1 }]);
  // The rest fits a call.
  await writeFile(on('one'), randomBytes(200_000));
  await look();
  await save('one');
  expect(calls[1]!.header.packs).toEqual([]);
});

test('where packs are refused, what they have is asked for, and the next calls carry all of it', async () => {
  const lacks = { code: 'blocks_missing', message: 'did not come' } as const;
  const refuse = (): never => {
    throw new ServiceError('limit_exceeded', 400, '64 packs of yours wait for a save');
  };
  const { sync, on, look, save, calls } = await scene(
    ({ files, contents }) =>
      files.map(({ path }, index) => (contents.length > 0 ? done(path, 1, index + 1) : { path, error: lacks })),
    [],
    refuse,
  );
  await widen(sync.saves);
  const names = Array.from({ length: 50 }, (_, index) => `large${String(index).padStart(2, '0')}`);
  for (const name of names) await writeFile(on(name), randomBytes(200_000));
  await look();
  expect(await save(...names)).toEqual([]);
  expect([...sync.state.trees.synced.keys()].sort()).toEqual(names);
  expect(sync.failures.paths).toEqual([]);
  expect(sync.saves.mostPacked).toBe(0);
  expect(sync.saves.isOpen).toBe(true);
  await writeFile(on('a'), 'a');
  await look();
  await save('a');
  expect(calls.at(-1)!.header.contents).toHaveLength(1);
});

test('directories and small files go in one call, equal content once; what is large goes another way', async () => {
  const { sync, on, look, save, calls } = await scene();
  await mkdir(on('d'));
  await writeFile(on('d/note'), 'text');
  await writeFile(on('d/same'), 'text');
  await writeFile(on('d/empty'), '');
  const noise = randomBytes(15_000).toString('base64');
  await writeFile(on('d/noise'), noise);
  await writeFile(on('d/letters'), 'abc'.repeat(20_000));
  await writeFile(on('d/big'), Buffer.alloc(limits.smallBytes + 1));
  await look();
  const paths = ['d', 'd/note', 'd/same', 'd/empty', 'd/noise', 'd/letters', 'd/big'];
  expect(await save(...paths)).toEqual(['d/big']);
  expect(calls).toHaveLength(1);
  const [{ header, texts }] = calls as [Scene['calls'][0]];
  expect(header.files.map(({ path }) => path)).toEqual(['d', 'd/note', 'd/same', 'd/empty', 'd/noise', 'd/letters']);
  expect([...texts.values()]).toEqual(['text', noise, 'abc'.repeat(20_000)]);
  expect([...sync.state.trees.synced.keys()].sort()).toEqual(paths.filter((path) => path !== 'd/big').sort());
  expect(sync.state.intents).toEqual([]);
});

test('of what is larger an edit goes as a delta, on what this device keeps of it', async () => {
  const { sync, on, agreed, look, save, calls } = await scene();
  await agreed({ known: 'x'.repeat(EDITED_WHOLE + 1) });
  await sync.saves.measured(limits.smallBytes, async () => undefined);
  await writeFile(on('known'), 'y'.repeat(EDITED_WHOLE + 1));
  await writeFile(on('new'), 'z'.repeat(EDITED_WHOLE + 1));
  await writeFile(on('note'), 'n');
  await look();
  expect(await save('known', 'new', 'note')).toEqual(['known']);
  expect(calls.map(({ header }) => header.files.map(({ path }) => path))).toEqual([['note', 'new']]);
  const kept = (path: string): boolean => sync.cache.has(sync.state.trees.local.get(path)!.blocks[0]!.hash);
  expect([kept('new'), kept('note')]).toEqual([true, false]);
});

test('what is larger than a call may be on this line is sent by itself, once the others are there', async () => {
  const { sync, on, look, save, calls } = await scene();
  await writeFile(on('large'), randomBytes(sync.saves.most + 1));
  await writeFile(on('note'), 'n');
  await look();
  expect(await save('large', 'note')).toEqual(['large']);
  expect(calls.map(({ header }) => header.files.map(({ path }) => path))).toEqual([['note']]);
});

test('two calls are under way at once, and answers in another order are no changes of another device', async () => {
  const second = Promise.withResolvers<void>();
  const { sync, on, look, save, calls } = await scene(async ({ files }) => {
    const isSecond = files[0]!.path === 'b';
    if (isSecond) second.resolve();
    await second.promise;
    if (!isSecond) await setImmediate();
    return files.map(({ path }) => done(path, 1, isSecond ? 2 : 1));
  });
  await writeFile(on('a'), randomBytes(60_000));
  await writeFile(on('b'), randomBytes(60_000));
  await look();
  sync.notices.takeBehind();
  await save('a', 'b');
  expect(calls.map(({ header }) => header.files.map(({ path }) => path))).toEqual([['a'], ['b']]);
  expect([sync.state.cursor, sync.notices.behind]).toEqual([2, false]);
});

test('a call that is lost lets what others did be read', async () => {
  const { sync, on, look, save } = await scene(async ({ files }) => {
    if (files[0]!.path === 'a') throw new ServiceError('unavailable', 503, 'lost');
    return files.map(({ path }) => done(path, 1, 2));
  });
  await writeFile(on('a'), randomBytes(60_000));
  await writeFile(on('b'), randomBytes(60_000));
  await look();
  sync.notices.takeBehind();
  await save('a', 'b').catch(() => undefined);
  expect([sync.state.cursor, sync.notices.behind], 'I14: what is missing may be of others').toEqual([0, true]);
});

test('what is in a directory that is still on its way waits for it', async () => {
  const { on, look, save, calls } = await scene(committed, ['d']);
  await mkdir(on('d'));
  await writeFile(on('d/note'), 'text');
  await writeFile(on('other'), 'text');
  await look();
  expect(await save('d/note', 'other')).toEqual(['d/note']);
  expect(calls[0]!.header.files.map(({ path }) => path)).toEqual(['other']);
});

test('content that the version before has is not sent', async () => {
  const { sync, agreed, save, calls } = await scene();
  await agreed({ a: 'text' });
  sync.state.set('local', 'a', { ...sync.state.trees.local.get('a')!, mode: 0o600 });
  expect(await save('a')).toEqual([]);
  expect(calls[0]!.header.contents).toEqual([]);
});

test('a file that changed since it was looked at is left out, and looked at again', async () => {
  const { sync, on, look, save, calls } = await scene();
  for (const path of ['a', 'b']) await writeFile(on(path), 'text');
  await look();
  await writeFile(on('a'), 'edit');
  expect(await save('a', 'b')).toEqual([]);
  expect(calls[0]!.header.files.map(({ path }) => path)).toEqual(['b']);
  expect(sync.notices.unseen.has('a')).toBe(true);
});

test('what the service does not keep goes the other way under the same id, and so does all that comes after', async () => {
  const lacks = { code: 'blocks_missing', message: 'no room' } as const;
  const { sync, on, look, save, calls } = await scene(({ files }) =>
    files.map(({ path }, index) => (index === 0 ? done(path, 1, 1) : { path, error: lacks })),
  );
  for (const path of ['a', 'b', 'c']) await writeFile(on(path), path);
  await look();
  expect(await save('a', 'b')).toEqual([]);
  expect(calls).toHaveLength(2);
  expect(calls[1]!.header.upload_id).toBe(calls[0]!.header.upload_id);
  expect([...sync.state.trees.synced.keys()]).toEqual(['a', 'b']);
  expect(sync.failures.paths).toEqual([]);
  expect(await save('c')).toEqual(['c']);
});

test('a call without an answer is written down, and nothing else is', async () => {
  const { sync, on, look, save } = await scene(() => {
    throw new Error('cut');
  });
  await writeFile(on('a'), 'text');
  await look();
  await expect(save('a')).rejects.toThrow('cut');
  expect(sync.state.intents).toMatchObject([{ call: 'finalize', items: [{ path: 'a' }] }]);
  expect([...sync.state.trees.synced.keys()]).toEqual([]);
});
