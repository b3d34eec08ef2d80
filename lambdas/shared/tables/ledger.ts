import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import { toBytes, toHexes } from '../database/ids.ts';
import type { Database, Sql } from '../database/rows.ts';
import { byteaText, firstBlocks } from '../database/sql.ts';

/** A version whose blocks are counted: its distinct hashes. */
export interface Counted {
  versionId: string;
  /** Whose version it is. */
  namespaceId: string;
  hashes: readonly string[];
}

/**
 * Part of `countVersions`: notes that the versions in $1, which are `toRecords`, are being counted. `fresh` are those that
 * were not before. For the others it renews the time, which keeps the sweep from settling them now.
 */
export const enterLedger = `insert into blocks.ledger (version_id, user_id, state, block_hashes)
  select version_id, user_id, 'raised', block_hashes
  from json_to_recordset($1) new(version_id uuid, user_id uuid, block_hashes bytea[]) order by version_id
  on conflict (version_id) do update set changed_at = now()
  returning version_id, state, block_hashes, xmax = 0 as fresh`;

/** Which of the versions are counted, and may become visible. */
export async function filterRaised(sql: PoolClient, versionIds: readonly string[]): Promise<Set<string>> {
  if (versionIds.length === 0) return new Set();
  const { rows } = await sql.query<{ version_id: string }>(
    `select version_id from blocks.ledger where version_id = any($1) and state = 'raised'`,
    [versionIds],
  );
  return new Set(rows.map(({ version_id }) => version_id));
}

/** The distinct hashes that are counted for the versions. */
export async function countedHashes(sql: PoolClient, versionIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ hash: string }>(
    `select distinct encode(hash, 'hex') as hash from blocks.ledger, unnest(block_hashes) hash
     where version_id = any($1) and state <> 'confirmed'`,
    [versionIds],
  );
  return rows.map(({ hash }) => hash);
}

/** Open for longer than an upload may live: whoever was to confirm it or take it back is gone. */
export const UNSETTLED = `state <> 'confirmed' and changed_at < now() - interval '${limits.uploadHours} hours'`;

/**
 * Versions that are counted and not confirmed: raised for a call, leaving for their removal, or either one for so long
 * that the sweep settles it.
 */
export type Open = 'raised' | 'leaving' | 'unsettled';

const condition: Record<Open, string> = {
  raised: `state = 'raised'`,
  leaving: `state = 'leaving'`,
  unsettled: UNSETTLED,
};

/** The versions that are counted, not confirmed, and hold one of the blocks, each with its blocks. */
export async function openVersions(sql: PoolClient, hashes: readonly string[]): Promise<Map<string, Set<string>>> {
  const { rows } = await sql.query<{ version_id: string; block_hashes: Buffer[] }>(
    `select version_id, block_hashes from blocks.ledger where state <> 'confirmed' and block_hashes && $1`,
    [toBytes(hashes)],
  );
  return new Map(rows.map((row) => [row.version_id, new Set(toHexes(row.block_hashes))]));
}

/** Removes versions and answers the hashes that were counted for them: their counts fall in the same transaction. */
export async function leaveLedger(sql: PoolClient, versionIds: readonly string[], which: Open): Promise<string[]> {
  const { rows } = await sql.query<{ hash: string }>(
    `with old as (
       select version_id from blocks.ledger
       where version_id = any($1) and ${condition[which]}
       order by version_id for update),
     gone as (delete from blocks.ledger l using old where l.version_id = old.version_id returning l.block_hashes)
     select encode(hash, 'hex') as hash from gone, unnest(block_hashes) hash`,
    [versionIds],
  );
  return rows.map(({ hash }) => hash);
}

/** The versions are visible; their hashes are in their own rows from now on. */
export async function confirmVersions(
  sql: Sql,
  versionIds: readonly string[],
  which: 'raised' | 'unsettled' = 'raised',
): Promise<number> {
  const { rowCount } = await sql.query(
    `with raised as (
       select version_id from blocks.ledger where version_id = any($1) and ${condition[which]}
       order by version_id for update)
     update blocks.ledger l set state = 'confirmed', block_hashes = '{}' from raised
     where l.version_id = raised.version_id`,
    [versionIds],
  );
  return rowCount ?? 0;
}

/** The versions are about to go: from here on, the ledger knows again what to lower should the rest not happen. */
export async function reopenVersions(sql: Database, versions: readonly Counted[]): Promise<void> {
  await sql.query(
    `with old as (
       select l.version_id, gone.block_hashes
       from json_to_recordset($1) gone(version_id uuid, block_hashes bytea[]) join blocks.ledger l using (version_id)
       order by l.version_id for update of l)
     update blocks.ledger l set state = 'leaving', changed_at = now(), block_hashes = old.block_hashes
     from old where l.version_id = old.version_id`,
    [toRecords(versions)],
  );
}

/** Some unsettled versions, oldest first. */
export async function listUnsettled(sql: Database, limit: number): Promise<{ version_id: string; user_id: string }[]> {
  const { rows } = await sql.query<{ version_id: string; user_id: string }>(
    `select version_id, user_id from ${firstBlocks(
      `select * from blocks.ledger where ${UNSETTLED} order by changed_at limit $1`,
      'changed_at, version_id',
    )} first`,
    [limit],
  );
  return rows;
}

/** Versions as the JSON that `json_to_recordset` takes. */
export function toRecords(versions: readonly Counted[]): string {
  return JSON.stringify(
    versions.map(({ versionId, namespaceId, hashes }) => ({
      version_id: versionId,
      user_id: namespaceId,
      block_hashes: hashes.map(byteaText),
    })),
  );
}
