import { hash } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { upload } from '../carry-out.ts';
import { serveTls } from '../cdn.ts';
import { blockOf, done, openFolder } from './open-folder.ts';

test('an edit during an upload is not taken for what was uploaded', async () => {
  const { sync, on, look } = await openFolder({
    uploadInit: async ({ upload_id }) => ({
      sent: 0,
      body: { upload_id, expires_at: 0, refused: [], send: [] },
    }),
    finalize: async () => {
      await writeFile(on('a'), 'second words');
      await look();
      return { sent: 0, body: { results: [done('a', 1, 1)] } };
    },
  });
  await writeFile(on('a'), 'first words');
  await look();
  await upload(sync, [{ path: 'a', base_version: 0 }]);
  const { blocks } = sync.state.trees.synced.get('a')!;
  expect(blocks, 'I15: what the service got').toEqual([await blockOf('first words')]);
});

test('a block that changed since it was looked at is refused by the store, and its file looked at once more', async () => {
  const [before, after] = ['a', 'b'].map((letter) => letter.repeat(300_000)) as [string, string];
  const { hash: offered } = await blockOf(before);
  const stored: Buffer[] = [];
  const url = await serveTls(async (request, response) => {
    const body = await buffer(request);
    if (hash('sha256', body) !== offered) response.writeHead(400).end('<Error><Code>BadDigest</Code></Error>');
    else response.writeHead(200, { etag: '"a"' }).end(String(stored.push(body)));
  });
  const { sync, on, look } = await openFolder({
    uploadInit: async ({ upload_id }) => ({
      sent: 0,
      body: { upload_id, expires_at: 0, refused: [], send: [{ hash: offered, how: 'put', url, headers: {} }] },
    }),
    finalize: async () => {
      const error = { code: 'blocks_missing' as const, message: 'content is missing' };
      return { sent: 0, body: { results: [{ path: 'a', error }] } };
    },
  });
  await writeFile(on('a'), before);
  await look();
  const file = await open(on('a'), 'r+');
  await file.write(after);
  await file.close();
  await upload(sync, [{ path: 'a', base_version: 0 }]);
  expect([stored, sync.state.trees.synced.has('a')], 'I15: what the service got').toEqual([[], false]);
  expect([...sync.notices.unseen]).toEqual(['a']);
  expect(sync.state.problems(), 'a change is no failure').toEqual([]);
});
