import { DeleteObjectCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import type { Pool } from 'pg';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { collectBlocks } from '../../lambdas/gc/collect-blocks.ts';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { claimBlocks } from '../../lambdas/upload-init/claim.ts';
import { blocksMigrations, scratchDatabase } from './support/scratch-database.ts';

const s3 = mockClient(S3Client);
const hash = 'ab'.repeat(32);
const session = { userId: '00000000-0000-4000-8000-000000000001', uploadId: '00000000-0000-4000-8000-000000000002' };
let blocks: Pool;

beforeEach(async () => {
  process.env.BLOCK_BUCKET = 'blocks';
  s3.reset();
  blocks = await scratchDatabase();
  await migrateSchema(blocks, 'blocks', blocksMigrations);
  await blocks.query(
    `insert into blocks.blocks (block_hash, state, size_bytes, delete_after)
     values (decode($1, 'hex'), 'live', 10, now() - interval '1 hour')`,
    [hash],
  );
  holds('v1');
});

/** Object versions that S3 lists from now on. */
function holds(...ids: string[]): void {
  s3.on(ListObjectVersionsCommand).resolves({ Versions: ids.map((VersionId) => ({ VersionId })) });
}

const deleted = () => s3.commandCalls(DeleteObjectCommand).map(({ args }) => args[0].input.VersionId);

async function state(): Promise<string | undefined> {
  const { rows } = await blocks.query<{ state: string }>('select state from blocks.blocks');
  return rows[0]?.state;
}

const later = Number.POSITIVE_INFINITY;
const collect = () => collectBlocks(blocks, 10, later);

/** Steps as a sweep makes them, to the end or until a time. */
async function collectAll(until = later): Promise<number> {
  for (let deleted = 0; ; ) {
    const step = await collectBlocks(blocks, 10, until);
    deleted += step.deleted;
    if (!step.more || Date.now() >= until) return deleted;
  }
}

const claim = () =>
  claimBlocks(blocks, session, [{ hash, size: 10, held: true, delta: false }], { crossUser: true, isNew: false });

test('while S3 cannot be listed nothing is deleted, and a claim revives the block as it is', async () => {
  s3.on(ListObjectVersionsCommand).rejects(new Error('slow down'));
  await expect(collect()).rejects.toThrow('slow down');
  expect(await state()).toBe('condemned');
  expect(deleted()).toEqual([]);
  expect(await claim()).toEqual([]);
  expect(await state()).toBe('live');
});

test('a deletion that failed is done by the next run', async () => {
  s3.on(DeleteObjectCommand).rejectsOnce(new Error('slow down')).resolves({});
  await expect(collect()).rejects.toThrow('slow down');
  expect(await state()).toBe('deleting');
  expect(await collect()).toMatchObject({ deleted: 0, more: true });
  expect(deleted()).toEqual(['v1', 'v1']);
  holds();
  expect(await collect()).toMatchObject({ deleted: 1, more: false });
  expect(await state()).toBeUndefined();
});

test('a block that was claimed after its deletion failed wants its content anew, and keeps it', async () => {
  s3.on(DeleteObjectCommand).rejects(new Error('slow down'));
  await expect(collect()).rejects.toThrow('slow down');
  expect(await claim()).toMatchObject([{ hash, how: 'put' }]);
  holds('v1', 'v2');
  s3.on(DeleteObjectCommand).resolves({});
  expect(await collect()).toMatchObject({ deleted: 0 });
  expect(await state()).toBe('pending');
  expect(deleted()).toEqual(['v1']);
});

test('a claim between the listing and the lock keeps the block', async () => {
  await collectBlocks(blocks, 0, later);
  s3.on(ListObjectVersionsCommand).callsFake(async () => {
    await claim();
    return { Versions: [{ VersionId: 'v1' }] };
  });
  s3.on(DeleteObjectCommand).resolves({});
  expect(await collect()).toMatchObject({ deleted: 0 });
  expect(deleted()).toEqual([]);
  expect(await state()).toBe('live');
});

test('a claim while the object is being deleted wants the content anew', async () => {
  s3.on(DeleteObjectCommand).callsFake(async () => {
    expect(await claim()).toMatchObject([{ how: 'put' }]);
    return {};
  });
  expect(await collect()).toMatchObject({ deleted: 0 });
  expect(deleted()).toEqual(['v1']);
  expect(await state()).toBe('pending');
});

test('every version of an object is deleted, also when S3 lists them on several pages', async () => {
  const pages = [['v4', 'v3'], ['v2', 'v1'], []];
  s3.on(ListObjectVersionsCommand).callsFake(async () => {
    const Versions = pages.shift()!.map((VersionId) => ({ VersionId }));
    return { Versions, IsTruncated: pages.length > 1 };
  });
  s3.on(DeleteObjectCommand).resolves({});
  expect(await collectAll()).toBe(1);
  expect(deleted()).toEqual(['v4', 'v3', 'v2', 'v1']);
});

/** A block under deletion that was due before the other one, and waits for so many of its object versions to go. */
async function addLong(versions: number): Promise<void> {
  await blocks.query(
    `insert into blocks.blocks (block_hash, state, size_bytes, delete_after, object_versions)
     values (decode($1, 'hex'), 'deleting', 10, now() - interval '1 day', $2)`,
    ['cd'.repeat(32), Array.from({ length: versions }, (_, index) => `long ${index}`)],
  );
}

async function left(): Promise<Record<string, number>> {
  const { rows } = await blocks.query<{ name: string; names: number }>(
    `select left(encode(block_hash, 'hex'), 2) as name, cardinality(object_versions) as names from blocks.blocks`,
  );
  return Object.fromEntries(rows.map(({ name, names }) => [name, names]));
}

test('a block with thousands of object versions keeps no other waiting, and every run takes some away', async () => {
  await addLong(3000);
  let time = 0;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => time);
  onTestFinished(() => void clock.mockRestore());
  s3.on(DeleteObjectCommand).callsFake(async () => {
    time++;
    return {};
  });
  s3.on(ListObjectVersionsCommand, { Prefix: `blocks/${'cd'.repeat(32)}` }).resolves({});

  await collectAll(time + 500);
  expect(deleted()[0]).toBe('v1');
  const first = await left();
  expect(Object.keys(first)).toEqual(['cd']);
  expect(first.cd).toBeLessThanOrEqual(2501);
  await collectAll(time + 500);
  expect((await left()).cd).toBeLessThanOrEqual(first.cd! - 500);
  expect(await collectAll()).toBe(1);
  expect(await left()).toEqual({});
  expect(new Set(deleted()).size).toBe(3001);
});

test('what was deleted before a run failed is off the list', async () => {
  await addLong(1000);
  let calls = 0;
  s3.on(DeleteObjectCommand).callsFake(async () => {
    if (++calls > 400) throw new Error('slow down');
    return {};
  });
  await expect(collectAll()).rejects.toThrow('slow down');
  expect((await left()).cd).toBeLessThan(700);
});
