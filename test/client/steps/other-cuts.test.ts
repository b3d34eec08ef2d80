import { randomBytes } from 'node:crypto';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { withOffsets } from '../../../client/plan/block-offsets.ts';
import { syncedEntry } from '../../../client/plan/tree.ts';
import { OtherCuts } from '../../../client/steps/other-cuts.ts';
import { BLOCK_BYTES, sha256, toHex } from '../../../codec/index.ts';
import type { Block } from '../../../protocol/entry.ts';
import { openFolder, type StepFolder } from './open-folder.ts';

const film = randomBytes(2 * BLOCK_BYTES);
const halves = BLOCK_BYTES / 2;

/** The content in blocks of these sizes. */
async function cut(content: Buffer, ...sizes: number[]): Promise<Block[]> {
  const places = withOffsets(sizes.map((size) => ({ size })));
  return Promise.all(
    places.map(async ({ offset, size }) => ({
      hash: toHex(await sha256(content.subarray(offset, offset + size))),
      size,
    })),
  );
}

/** Writes down that the service has a file, cut in its own way. */
function remember(
  { sync: { state } }: StepFolder,
  path: string,
  blocks: readonly Block[],
  tree: 'remote' | 'synced',
): void {
  const size = blocks.reduce((sum, block) => sum + block.size, 0);
  const entry = { kind: 'file' as const, size, mode: 0o644, mtime_ms: 1, blocks, version: 1 };
  if (tree === 'remote') state.set('remote', path, entry);
  else state.set('synced', path, syncedEntry(entry, state.trees.local.get(path)!));
}

/** A folder in which a film lies, with how often blocks were read since. */
async function folderWithFilm() {
  const folder = await openFolder();
  await writeFile(folder.on('film'), film);
  await folder.look();
  const { sync } = folder;
  let reads = 0;
  const read = sync.pool.blocksOf.bind(sync.pool);
  sync.pool.blocksOf = (...parameters) => {
    reads++;
    return read(...parameters);
  };
  const others = new OtherCuts(sync);
  const compare = async (...paths: string[]): Promise<void> => others.compare(paths);
  return { folder, compare, reads: () => reads, blocks: (path = 'film') => sync.state.trees.local.get(path)!.blocks };
}

test.each(['remote', 'synced'] as const)('content that %s has in other blocks is the same', async (tree) => {
  const { folder, compare, blocks } = await folderWithFilm();
  const before = folder.sync.state.trees.local.get('film')!;
  const other = await cut(film, halves, BLOCK_BYTES, halves);
  remember(folder, 'film', other, tree);
  await compare('film');
  expect(blocks()).toEqual(other);
  expect(folder.sync.state.trees.local.get('film')).toEqual({ ...before, blocks: other });
});

test('another content stays another, and is read once for all plans; one of other cuts or sizes is not read', async () => {
  const { folder, compare, reads, blocks } = await folderWithFilm();
  const before = blocks();
  remember(folder, 'film', await cut(randomBytes(film.length), halves, BLOCK_BYTES, halves), 'remote');
  await compare('film');
  await compare('film');
  expect([blocks(), reads()]).toEqual([before, 1]);
  remember(folder, 'film', await cut(randomBytes(film.length), BLOCK_BYTES, BLOCK_BYTES), 'remote');
  await compare('film');
  remember(folder, 'film', await cut(film, halves, BLOCK_BYTES), 'remote');
  await compare('film');
  expect([blocks(), reads()]).toEqual([before, 1]);
});

test('a copy has the blocks of what it is a copy of, which may be gone, and content that is agreed on is left as it is', async () => {
  const { folder, compare, reads, blocks } = await folderWithFilm();
  const other = await cut(film, halves, BLOCK_BYTES, halves);
  remember(folder, 'edited', other, 'remote');
  const before = blocks();
  remember(folder, 'film', before, 'synced');
  await compare('film');
  expect([blocks(), reads()]).toEqual([before, 0]);
  folder.sync.state.remove('synced', 'film');
  await compare('film');
  expect(blocks()).toEqual(other);
});

test('a file that changed since it was looked at, or is gone, is left to the next look', async () => {
  const { folder, compare, blocks } = await folderWithFilm();
  const before = blocks();
  remember(folder, 'film', await cut(film, halves, BLOCK_BYTES, halves), 'remote');
  await appendFile(folder.on('film'), 'more');
  folder.sync.notices.takeUnseen();
  await compare('film');
  expect(blocks()).toEqual(before);
  expect([...folder.sync.notices.unseen]).toEqual(['film']);
  await rm(folder.on('film'));
  await compare('film');
  expect(blocks()).toEqual(before);
});
