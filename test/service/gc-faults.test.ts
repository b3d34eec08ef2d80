import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  S3Client,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import type { Pool } from 'pg';
import { beforeEach, expect, test } from 'vitest';
import { collectBlocks } from '../../lambdas/gc/blocks.ts';
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

const claim = () => claimBlocks(blocks, session, [{ hash, size: 10, held: true, delta: false }], true);

test('while S3 cannot be listed nothing is deleted, and a claim revives the block as it is', async () => {
  s3.on(ListObjectVersionsCommand).rejects(new Error('slow down'));
  await expect(collectBlocks(blocks, 10)).rejects.toThrow('slow down');
  expect(await state()).toBe('condemned');
  expect(deleted()).toEqual([]);
  expect(await claim()).toEqual([]);
  expect(await state()).toBe('live');
});

test('a deletion that failed is done by the next run', async () => {
  s3.on(DeleteObjectCommand).rejectsOnce(new Error('slow down')).resolves({});
  await expect(collectBlocks(blocks, 10)).rejects.toThrow('slow down');
  expect(await state()).toBe('deleting');
  expect(await collectBlocks(blocks, 10)).toMatchObject({ deleted: 1 });
  expect(await state()).toBeUndefined();
  expect(deleted()).toEqual(['v1', 'v1']);
});

test('a block that was claimed after its deletion failed wants its content anew, and keeps it', async () => {
  s3.on(DeleteObjectCommand).rejects(new Error('slow down'));
  await expect(collectBlocks(blocks, 10)).rejects.toThrow('slow down');
  expect(await claim()).toMatchObject([{ hash, how: 'put' }]);
  holds('v1', 'v2');
  s3.on(DeleteObjectCommand).resolves({});
  expect(await collectBlocks(blocks, 10)).toMatchObject({ deleted: 0 });
  expect(await state()).toBe('pending');
  expect(deleted()).toEqual(['v1']);
});

test('a claim between the listing and the lock keeps the block', async () => {
  await collectBlocks(blocks, 0);
  s3.on(ListObjectVersionsCommand).callsFake(async () => {
    await claim();
    return { Versions: [{ VersionId: 'v1' }] };
  });
  s3.on(DeleteObjectCommand).resolves({});
  expect(await collectBlocks(blocks, 10)).toMatchObject({ deleted: 0 });
  expect(deleted()).toEqual([]);
  expect(await state()).toBe('live');
});

test('a claim while the object is being deleted wants the content anew', async () => {
  s3.on(DeleteObjectCommand).callsFake(async () => {
    expect(await claim()).toMatchObject([{ how: 'put' }]);
    return {};
  });
  expect(await collectBlocks(blocks, 10)).toMatchObject({ deleted: 0 });
  expect(deleted()).toEqual(['v1']);
  expect(await state()).toBe('pending');
});

test('every version of an object is deleted, also when S3 lists them on several pages', async () => {
  s3.on(DeleteObjectCommand).resolves({});
  const first = { Versions: [{ VersionId: 'v2' }], IsTruncated: true, NextKeyMarker: 'k', NextVersionIdMarker: 'v2' };
  s3.on(ListObjectVersionsCommand).resolves(first as Partial<ListObjectVersionsCommandOutput>);
  s3.on(ListObjectVersionsCommand, { KeyMarker: 'k', VersionIdMarker: 'v2' }).resolves({
    Versions: [{ VersionId: 'v1' }],
    DeleteMarkers: [{ VersionId: 'v0' }],
  });
  expect(await collectBlocks(blocks, 10)).toMatchObject({ deleted: 1 });
  expect(deleted()).toEqual(['v2', 'v1', 'v0']);
});
