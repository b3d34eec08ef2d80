import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { upload } from '../carry-out.ts';
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
