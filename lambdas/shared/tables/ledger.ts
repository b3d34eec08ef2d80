import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import type { Database } from '../database.ts';
import { toBytes, toHexes } from '../ids.ts';
import { byteaText, type Sql } from '../sql.ts';

/** A version whose blocks are counted: its distinct hashes. */
export interface Counted {
  versionId: string;
  userId: string;
  hashes: readonly string[];
}

/**
 * Notes that the versions are being counted. Answers those that were not before; only their counts may be raised, in
 * the same transaction. For the others it renews the time, which keeps the sweep from settling them now.
 */
export async function enterLedger(sql: PoolClient, versions: readonly Counted[]): Promise<Set<string>> {
  const { rows } = await sql.query<{ version_id: string; fresh: boolean }>(
    `insert into blocks.ledger (version_id, user_id, state, block_hashes)
     select version_id, user_id, 'raised', block_hashes
     from json_to_recordset($1) new(version_id uuid, user_id uuid, block_hashes bytea[]) order by version_id
     on conflict (version_id) do update set changed_at = now()
     returning version_id, xmax = 0 as fresh`,
    [toRecords(versions)],
  );
  return new Set(rows.filter(({ fresh }) => fresh).map(({ version_id }) => version_id));
}

/** The distinct hashes that are counted for the versions. */
export async function countedHashes(sql: PoolClient, versionIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ hash: string }>(
    `select distinct encode(hash, 'hex') as hash from blocks.ledger, unnest(block_hashes) hash
     where version_id = any($1) and state = 'raised'`,
    [versionIds],
  );
  return rows.map(({ hash }) => hash);
}

/** The versions that are raised and hold one of the blocks, each with its blocks. */
export async function raisedVersions(sql: PoolClient, hashes: readonly string[]): Promise<Map<string, Set<string>>> {
  const { rows } = await sql.query<{ version_id: string; block_hashes: Buffer[] }>(
    `select version_id, block_hashes from blocks.ledger where state = 'raised' and block_hashes && $1`,
    [toBytes(hashes)],
  );
  return new Map(rows.map((row) => [row.version_id, new Set(toHexes(row.block_hashes))]));
}

/** Removes versions and answers the hashes that were counted for them: their counts fall in the same transaction. */
export async function leaveLedger(
  sql: PoolClient,
  versionIds: readonly string[],
  which: 'raised' | 'unsettled',
): Promise<string[]> {
  const { rows } = await sql.query<{ hash: string }>(
    `with old as (
       select version_id from blocks.ledger
       where version_id = any($1) and ${which === 'raised' ? "state = 'raised'" : UNSETTLED}
       order by version_id for update),
     gone as (delete from blocks.ledger l using old where l.version_id = old.version_id returning l.block_hashes)
     select encode(hash, 'hex') as hash from gone, unnest(block_hashes) hash`,
    [versionIds],
  );
  return rows.map(({ hash }) => hash);
}

/** The versions are visible; their hashes are in their own rows from now on. */
export async function confirmVersions(sql: Sql, versionIds: readonly string[]): Promise<number> {
  const { rowCount } = await sql.query(
    `with raised as (
       select version_id from blocks.ledger where version_id = any($1) and state = 'raised'
       order by version_id for update)
     update blocks.ledger l set state = 'confirmed', block_hashes = '{}' from raised
     where l.version_id = raised.version_id`,
    [versionIds],
  );
  return rowCount ?? 0;
}

/** The versions are about to go: from here on, the ledger again knows what to lower should the rest not happen. */
export async function reopenVersions(sql: Database, versions: readonly Counted[]): Promise<void> {
  await sql.query(
    `update blocks.ledger l set state = 'raised', changed_at = now(), block_hashes = old.block_hashes
     from json_to_recordset($1) old(version_id uuid, user_id uuid, block_hashes bytea[])
     where l.version_id = old.version_id`,
    [toRecords(versions)],
  );
}

/** Raised for longer than an upload may live, and neither reported by the stream nor taken back. */
export const UNSETTLED = `state = 'raised' and changed_at < now() - interval '${limits.uploadHours} hours'`;

/** Some unsettled versions, oldest first. */
export async function listUnsettled(sql: Database, limit: number): Promise<{ version_id: string; user_id: string }[]> {
  const { rows } = await sql.query<{ version_id: string; user_id: string }>(
    `select version_id, user_id from blocks.ledger where ${UNSETTLED} order by changed_at limit $1`,
    [limit],
  );
  return rows;
}

function toRecords(versions: readonly Counted[]): string {
  return JSON.stringify(
    versions.map(({ versionId, userId, hashes }) => ({
      version_id: versionId,
      user_id: userId,
      block_hashes: hashes.map(byteaText),
    })),
  );
}
