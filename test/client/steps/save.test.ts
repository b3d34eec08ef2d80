import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { saveSmall } from '../../../client/steps/save.ts';
import { applyDelta } from '../../../codec/index.ts';
import type { CommitResult } from '../../../protocol/commit.ts';
import { decodeSaveBody, type SaveHeader } from '../../../protocol/save.ts';
import { done, openFolder, type StepFolder } from './open-folder.ts';

/* Small content in the call that commits it: what goes along, what goes another way, and what is repeated. */

interface Scene extends StepFolder {
  readonly calls: { readonly header: SaveHeader; readonly texts: Map<string, string> }[];
  /** The paths that go another way. */
  save(...paths: string[]): Promise<string[]>;
}

type Answer = (header: SaveHeader) => CommitResult[];

const committed: Answer = ({ files }) => files.map(({ path }, index) => done(path, 1, index + 1));

async function scene(answer: Answer = committed, busy: readonly string[] = []): Promise<Scene> {
  const calls: Scene['calls'] = [];
  const folder = await openFolder({
    save: async (body) => {
      const { header, contents } = decodeSaveBody(body);
      const texts = new Map<string, string>();
      for (const [index, { hash, size }] of header.contents.entries()) {
        const content = await applyDelta(new Uint8Array(0), contents[index]!, {
          expectedSize: size,
          expectedHash: hash,
        });
        texts.set(hash, Buffer.from(content).toString());
      }
      calls.push({ header, texts });
      return { sent: body.length, body: { results: answer(header) } };
    },
    uploadInit: async ({ upload_id, files }) => {
      calls.push({ header: { upload_id, files } as unknown as SaveHeader, texts: new Map() });
      return { sent: 1, body: { upload_id, expires_at: 0, refused: [], send: [] } };
    },
    finalize: async () => ({
      sent: 1,
      body: { results: calls.at(-1)!.header.files.map(({ path }) => done(path, 1, 9)) },
    }),
  });
  const sending = { channel: undefined as never, signal: new AbortController().signal };
  return {
    ...folder,
    calls,
    save: async (...paths) => {
      const steps = paths.map((path) => ({ path, base_version: 0 }));
      const isOnItsWay = (path: string): boolean => busy.includes(path);
      const others = await saveSmall(folder.sync, steps, { sending, isOnItsWay, interrupted: () => false });
      return others.map(({ path }) => path);
    },
  };
}

test('directories and small files go in one call, equal content once; what is large goes another way', async () => {
  const { sync, on, look, save, calls } = await scene();
  await mkdir(on('d'));
  await writeFile(on('d/note'), 'text');
  await writeFile(on('d/same'), 'text');
  await writeFile(on('d/empty'), '');
  await writeFile(on('d/noise'), randomBytes(20_000));
  await writeFile(on('d/letters'), 'abc'.repeat(20_000));
  await writeFile(on('d/big'), Buffer.alloc(70_000));
  await look();
  const paths = ['d', 'd/note', 'd/same', 'd/empty', 'd/noise', 'd/letters', 'd/big'];
  expect(await save(...paths)).toEqual(['d/big', 'd/noise']);
  expect(calls).toHaveLength(1);
  const [{ header, texts }] = calls as [Scene['calls'][0]];
  expect(header.files.map(({ path }) => path)).toEqual(['d', 'd/note', 'd/same', 'd/empty', 'd/letters']);
  expect([...texts.values()]).toEqual(['text', 'abc'.repeat(20_000)]);
  expect([...sync.state.trees.synced.keys()]).toEqual(['d', 'd/note', 'd/same', 'd/empty', 'd/letters']);
  expect(sync.state.intents).toEqual([]);
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
