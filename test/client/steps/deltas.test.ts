import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { deltasFor } from '../../../client/steps/deltas.ts';
import { sha256, toHex } from '../../../codec/index.ts';
import { openFolder } from './open-folder.ts';

const BLOCKS = 40;
const BLOCK_BYTES = 20_000;

/** A file of which every block was edited, and the old blocks are in the cache. */
async function editedFile() {
  const { sync, on, hintAt } = await openFolder();
  onTestFinished(() => sync.pool.close());
  const old = Array.from({ length: BLOCKS }, () => randomBytes(BLOCK_BYTES));
  const now = old.map((block) => Buffer.concat([Buffer.of(block[0]! ^ 1), block.subarray(1)]));
  const blocksOf = (contents: readonly Buffer[]) =>
    Promise.all(contents.map(async (bytes) => ({ hash: toHex(await sha256(bytes)), size: bytes.length })));
  const before = await blocksOf(old);
  for (const [index, { hash }] of before.entries()) await sync.cache.put(hash, old[index]!);
  await writeFile(on('a'), Buffer.concat(now));
  const content = { kind: 'file', size: BLOCKS * BLOCK_BYTES, mode: 0o644, mtime_ms: 1 } as const;
  const local = { ...content, blocks: await blocksOf(now), identity: '', hint: await hintAt('a') };
  return { sync, file: { path: 'a', local, remote: { ...content, blocks: before, version: 1 } } };
}

test('encoding goes on as long as it takes no longer than sending what it saves', async () => {
  const { sync, file } = await editedFile();
  const bytes = 1024 * 1024;
  expect((await deltasFor(file, sync, { bytes, onTheLink: (saved) => 1000 * saved })).size).toBe(BLOCKS);
  const onFast = await deltasFor(file, sync, { bytes, onTheLink: () => 0 });
  expect(onFast.size, 'the first of them, on a link that takes no time').toBe(16);
  const seen: number[] = [];
  await deltasFor(file, sync, { bytes, onTheLink: (saved) => seen.push(saved) && Number.POSITIVE_INFINITY });
  expect(seen[0]).toBeGreaterThan(16 * BLOCK_BYTES);
  expect(seen.at(-1)).toBeGreaterThan(BLOCKS * BLOCK_BYTES);
});
