import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blocksOf, type User } from '../../support/user.ts';
import { data, database, shardOf } from './service.ts';

export interface StoredBlock {
  state: string;
  ref_count: number;
  /** Hours until it may be collected; null while versions refer to it, or contents lie in it. */
  hours_left: number | null;
  object_versions: string[] | null;
}

/** The hash of a content of one block. */
export async function hashOf(content: Uint8Array): Promise<string> {
  const [block] = await blocksOf(content);
  return block!.hash;
}

export async function blockRow(hash: string): Promise<StoredBlock | undefined> {
  const { rows } = await database.query<StoredBlock>(
    `select state, ref_count, object_versions,
       case when isfinite(delete_after) then round(extract(epoch from delete_after - now()) / 3600)::int end as hours_left
     from blocks.blocks where block_hash = decode($1, 'hex')`,
    [hash],
  );
  return rows[0];
}

/** Lets a block's grace period end. */
export async function endGrace(...hashes: string[]): Promise<void> {
  await database.query(
    `update blocks.blocks set delete_after = now() - interval '1 second'
     where encode(block_hash, 'hex') = any($1) and delete_after is not null`,
    [hashes],
  );
}

/** As a run leaves a block that ended before it deleted anything. */
export async function beginDeletion(hash: string, versions: readonly string[]): Promise<void> {
  await database.query(
    `update blocks.blocks set state = 'deleting', object_versions = $2, delete_after = now() - interval '1 hour'
     where block_hash = decode($1, 'hex')`,
    [hash, versions],
  );
}

/** Lets time pass for everything that the user has in the shard, and for the uploads' pins. */
export async function passDays(user: User, days: number): Promise<void> {
  const { schema, userId } = shardOf(user);
  const times: [string, ...string[]][] = [
    [`${schema}.file_versions`, 'created_at', 'superseded_at'],
    [`${schema}.files`, 'last_modified', 'deleted_at'],
    [`${schema}.changes`, 'created_at'],
    [`${schema}.uploads`, 'expires_at'],
    [`${schema}.requests`, 'created_at'],
    ['blocks.pins', 'expires_at'],
    ['blocks.ledger', 'changed_at'],
  ];
  for (const [table, ...columns] of times) {
    const earlier = columns.map((column) => `${column} = ${column} - $2 * interval '1 day'`).join(', ');
    await database.query(`update ${table} set ${earlier} where user_id = $1`, [userId, days]);
  }
}

/** Ids of the object versions that the local S3 holds of a block, oldest first. */
export async function objectVersions(hash: string): Promise<string[]> {
  const held: string[] = [];
  for (const bucket of await readdir(join(data, 's3'))) {
    const journal = await readFile(join(data, 's3', bucket, 'journal'), 'utf8');
    for (const line of journal.split('\n').filter((text) => text.includes(`"blocks/${hash}"`))) {
      const { put, remove } = JSON.parse(line) as Record<'put' | 'remove', { versionId: string } | undefined>;
      if (put) held.push(put.versionId);
      if (remove) held.splice(held.indexOf(remove.versionId), 1);
    }
  }
  return held;
}

/** How many versions of the user refer to a block, by the versions themselves. */
export async function references(user: User, hash: string): Promise<number> {
  const { schema, userId } = shardOf(user);
  const { rows } = await database.query<{ n: number }>(
    `select count(*) as n from ${schema}.file_versions
     where user_id = $1 and decode($2, 'hex') = any(block_hashes)`,
    [userId, hash],
  );
  return rows[0]!.n;
}
