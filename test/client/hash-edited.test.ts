import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { hashEdited, type OldVersion } from '../../client/disk/hash-edited.ts';
import { withOffsets } from '../../client/plan/block-offsets.ts';
import { BLOCK_BYTES, blockRanges, sha256, toHex } from '../../codec/index.ts';
import { FilePool } from '../../codec/node/file-pool.ts';
import type { Block } from '../../protocol/entry.ts';
import { temporaryFolder } from './folder.ts';

const MIB = 1024 * 1024;
const pool = new FilePool(2);
afterAll(() => pool.close());

/** A version of a file, with what is found of its blocks later. */
interface Version extends OldVersion {
  readonly content: Buffer;
}

async function firstVersion(content: Buffer): Promise<Version> {
  const blocks = await Promise.all(
    blockRanges(content.length).map(async ({ offset, length }) => ({
      hash: toHex(await sha256(content.subarray(offset, offset + length))),
      size: length,
    })),
  );
  return withCache({ content, blocks });
}

/** All blocks of a version are at hand. */
async function withCache({ content, blocks }: { content: Buffer; blocks: readonly Block[] }): Promise<Version> {
  const path = join(await temporaryFolder(), 'old');
  await writeFile(path, content);
  const places = new Map(withOffsets(blocks).map(({ hash, offset, size }) => [hash, { path, offset, size }]));
  return { content, blocks, placeOf: (hash) => places.get(hash) };
}

const nowhere = (): undefined => undefined;

/** The blocks of the file once it has other content, and how many bytes of them are new. */
async function edit(old: OldVersion, content: Buffer): Promise<{ blocks: Block[]; sizes: number[]; fresh: number[] }> {
  const place = join(await temporaryFolder(), 'new');
  await writeFile(place, content);
  const file = openSync(place, 'r');
  try {
    const blocks = (await hashEdited(file, content.length, old, { pool, onRead: nowhere }))!;
    for (const { hash, size, offset } of withOffsets(blocks)) {
      expect(toHex(await sha256(content.subarray(offset, offset + size)))).toBe(hash);
    }
    expect(blocks.reduce((sum, { size }) => sum + size, 0)).toBe(content.length);
    const known = new Set(old.blocks.map(({ hash }) => hash));
    const fresh = blocks.filter(({ hash }) => !known.has(hash)).map(({ size }) => size / MIB);
    return { blocks, sizes: blocks.map(({ size }) => size), fresh };
  } finally {
    closeSync(file);
  }
}

const film = randomBytes(30 * MIB);
const splice = (at: number, removed: number, inserted: Buffer): Buffer =>
  Buffer.concat([film.subarray(0, at), inserted, film.subarray(at + removed)]);

test.each([
  { what: 'an insertion near the start', content: splice(1000, 0, randomBytes(100)), fresh: [2, 2] },
  { what: 'an overwrite', content: splice(13 * MIB, 100, randomBytes(100)), fresh: [4] },
  { what: 'overwrites side by side', content: splice(8 * MIB - 50, 100, randomBytes(100)), fresh: [4, 4] },
  { what: 'something prepended', content: splice(0, 0, randomBytes(MIB)), fresh: [1] },
  { what: 'something appended', content: splice(30 * MIB, 0, randomBytes(MIB)), fresh: [3] },
  { what: 'blocks removed', content: splice(4 * MIB, 8 * MIB, Buffer.alloc(0)), fresh: [] },
  { what: 'an end that was cut off', content: film.subarray(0, 21 * MIB), fresh: [1] },
])('$what is cut anew, and without old content', async ({ content, fresh }) => {
  const old = await firstVersion(film);
  const cut = await edit({ ...old, placeOf: nowhere }, content);
  expect(cut.fresh.map(Math.round)).toEqual(fresh);
  expect(await edit(old, content)).toEqual(cut);
});

test('between edits old blocks are found where their content is at hand', async () => {
  const old = await firstVersion(film);
  let content: Buffer = film;
  for (const at of [25 * MIB, 13 * MIB, 1000]) {
    content = Buffer.concat([content.subarray(0, at), randomBytes(77), content.subarray(at)]);
  }
  expect((await edit(old, content)).fresh.map(Math.round)).toEqual([2, 2, 2, 2, 2, 2]);
  expect((await edit({ ...old, placeOf: nowhere }, content)).fresh.length).toBeGreaterThan(6);
  // Two blocks that changed places, and all of the same length.
  const moved = Buffer.concat([film.subarray(8 * MIB, 12 * MIB), film.subarray(0, 8 * MIB), film.subarray(12 * MIB)]);
  expect((await edit(old, moved)).fresh).toEqual([]);
});

test('what begins like an old block and is another is not taken for it, nor what only repeats', async () => {
  const zeros = await firstVersion(Buffer.alloc(30 * MIB));
  const longer = Buffer.concat([Buffer.alloc(10 * MIB), randomBytes(10), Buffer.alloc(20 * MIB)]);
  expect((await edit(zeros, longer)).fresh.map(Math.round)).toEqual([2, 2]);
  const old = await firstVersion(film);
  const shifted = Buffer.concat([randomBytes(10), film]);
  for (let at = 100_000; at < shifted.length; at += BLOCK_BYTES) shifted[at]!++;
  const { sizes, fresh } = await edit(old, shifted);
  expect([sizes.length, fresh.length]).toEqual([8, 8]);
});

test('content of which nothing is known is cut like a new file', async () => {
  const old = await firstVersion(film);
  const cut = await edit(old, splice(1000, 0, randomBytes(100)));
  const other = randomBytes(30 * MIB + 100);
  expect((await edit({ ...old, blocks: cut.blocks }, other)).sizes).toEqual(
    blockRanges(other.length).map(({ length }) => length),
  );
});

test('a file that ends early has no blocks', async () => {
  const place = join(await temporaryFolder(), 'short');
  await writeFile(place, film.subarray(0, 20 * MIB));
  const file = openSync(place, 'r');
  const old = await firstVersion(film);
  expect(await hashEdited(file, film.length, old, { pool, onRead: nowhere })).toBeUndefined();
  closeSync(file);
});

const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.oneof(fc.nat(3000), fc.nat(6 * MIB)),
    inserted: fc.oneof(fc.constant(0), fc.nat(3000), fc.nat(6 * MIB)),
  }),
  { minLength: 1, maxLength: 3 },
);

test('whatever is edited, a version after the other, a block that no edit touched is found again', async () => {
  await fc.assert(
    fc.asyncProperty(edits, async (edits) => {
      let version = await firstVersion(film.subarray(0, 14 * MIB));
      for (const { at, removed, inserted } of edits) {
        const { content } = version;
        const from = Math.floor(at * content.length);
        const next = Buffer.concat([
          content.subarray(0, from),
          randomBytes(inserted),
          content.subarray(from + removed),
        ]);
        const { blocks } = await edit(version, next);
        const kept = new Set(blocks.map(({ hash }) => hash));
        for (const { hash, size, offset } of withOffsets(version.blocks)) {
          // A crumb beside it may have taken it in.
          const isTouched = offset + size > from && offset < from + removed;
          const isNear = offset + size >= from - BLOCK_BYTES && offset <= from + removed + BLOCK_BYTES;
          if (next.length > BLOCK_BYTES && !isTouched && !isNear) expect(kept).toContain(hash);
        }
        version = await withCache({ content: next, blocks });
      }
    }),
    { numRuns: 5 },
  );
});
