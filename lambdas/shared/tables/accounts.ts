/*
 * A module per table, with every statement that writes it or that two functions need. Rows come as a `Namespace` or a
 * `Person`.
 */

import type { Namespace, Shard } from '../database/rows.ts';
import { ms } from '../database/sql.ts';

export interface Account {
  used_bytes: number;
  reserved_bytes: number;
  /** What the service keeps for the user: blocks, versions, directories and uploads, see `keptBytes`. */
  kept_bytes: number;
  /** Files and directories of the tree. */
  entries: number;
  quota_bytes: number | null;
  default_quota_bytes: number | null;
  change_seq: number;
  timeline: string;
  /** The transaction's time in milliseconds since 1970. */
  now: number;
}

/** The user's quota in bytes, as the last upload-init brought it along. */
export function quotaOf({ quota_bytes, default_quota_bytes }: Account): number {
  return quota_bytes ?? default_quota_bytes ?? Number.POSITIVE_INFINITY;
}

/** Creates the user's row if there is none: whoever has a device has one. */
export async function ensureAccount({ sql, schema, id }: Namespace): Promise<void> {
  await sql.query(`insert into ${schema}.accounts (user_id) values ($1) on conflict do nothing`, [id]);
}

/** Sets the user's own quota; null leaves him the profile's. */
export async function putQuota({ sql, schema, id }: Namespace, bytes: number | null): Promise<void> {
  await sql.query(`update ${schema}.accounts set quota_bytes = $2 where user_id = $1`, [id, bytes]);
}

const columns = `used_bytes, reserved_bytes, kept_bytes, entries, quota_bytes, default_quota_bytes, change_seq, timeline,
  ${ms('now()')} as now`;

/** The account as it is now, without its lock. */
export async function findAccount({ sql, schema, id }: Namespace): Promise<Account> {
  const { rows } = await sql.query<Account>(`select ${columns} from ${schema}.accounts a where a.user_id = $1`, [id]);
  return rows[0]!;
}

/**
 * Takes the lock under which a user's tree and devices change, until the transaction ends. It is the first of the user's
 * locks: whoever takes it after that of a device waits for whoever holds it and wants the device. For a user who has no
 * device yet there is nothing to lock, and the answer is undefined: `requireDevice` refuses such a one.
 */
export async function lockAccount({ sql, schema, id }: Namespace): Promise<Account> {
  const { rows } = await sql.query<Account>(
    `select ${columns}
     from ${schema}.accounts where user_id = $1 for update`,
    [id],
  );
  return rows[0]!;
}

/** Takes the locks of several users, in one order. */
export async function lockAccounts({ sql, schema }: Shard, ids: readonly string[]): Promise<void> {
  await sql.query(`select from ${schema}.accounts where user_id = any($1) order by user_id for update`, [ids]);
}

/** What commits add to an account. */
export interface AccountChange {
  used: number;
  reserved: number;
  /** Beside new blocks and directories. */
  kept: number;
  entries: number;
  changes: number;
}

/** Part of `bookCommits`: adds an `AccountChange`, and what is kept more in `taken`; needs the lock. */
export function updateAccount({ schema }: Shard): string {
  return `update ${schema}.accounts
    set used_bytes = greatest(used_bytes + $6, 0), reserved_bytes = greatest(reserved_bytes + $7, 0),
      kept_bytes = greatest(kept_bytes + $8 + taken.kept, 0), entries = greatest(entries + $9, 0),
      change_seq = change_seq + $10
    from taken where user_id = $1`;
}

/** Part of `insertUpload`: promises bytes to it and notes the profile's quota; needs the lock. */
export function reserveBytes({ schema }: Shard): string {
  return `update ${schema}.accounts
    set reserved_bytes = reserved_bytes + $10, kept_bytes = kept_bytes + $8, default_quota_bytes = $11
    where user_id = $1`;
}

/** Gives back bytes that were promised to uploads, or kept; needs the locks. */
export async function releaseBytes(
  { sql, schema }: Shard,
  released: readonly { id: string; reserved: number; kept: number }[],
): Promise<void> {
  if (released.length === 0) return;
  await sql.query(
    `update ${schema}.accounts a
     set reserved_bytes = greatest(a.reserved_bytes - freed.reserved, 0),
       kept_bytes = greatest(a.kept_bytes - freed.kept, 0)
     from (select user_id, sum(reserved)::int8 as reserved, sum(kept)::int8 as kept
           from unnest($1::uuid[], $2::int8[], $3::int8[]) f(user_id, reserved, kept) group by user_id) freed
     where a.user_id = freed.user_id`,
    [released.map(({ id }) => id), released.map(({ reserved }) => reserved), released.map(({ kept }) => kept)],
  );
}

/** Notes that changes are no longer kept; needs the locks. */
export async function noteForgotten(
  { sql, schema }: Shard,
  forgotten: readonly { id: string; seq: number }[],
): Promise<void> {
  await sql.query(
    `update ${schema}.accounts a set forgotten_seq = greatest(a.forgotten_seq, gone.seq)
     from (select user_id, max(seq) as seq from unnest($1::uuid[], $2::int8[]) g(user_id, seq) group by user_id) gone
     where a.user_id = gone.user_id`,
    [forgotten.map(({ id }) => id), forgotten.map(({ seq }) => seq)],
  );
}

interface ChangeBounds {
  change_seq: number;
  forgotten_seq: number;
  timeline?: string;
}

/** The newest change and the newest one that is no longer kept, and the timeline; zeros for a user without an account. */
export async function changeBounds({ sql, schema, id }: Namespace): Promise<ChangeBounds> {
  const { rows } = await sql.query<ChangeBounds>(
    `select change_seq, forgotten_seq, timeline from ${schema}.accounts where user_id = $1`,
    [id],
  );
  return rows[0] ?? { change_seq: 0, forgotten_seq: 0 };
}

/** Gives each account of a shard another timeline. Returns how many there are. */
export async function beginTimelines({ sql, schema }: Shard): Promise<number> {
  const { rowCount } = await sql.query(`update ${schema}.accounts set timeline = gen_random_uuid()`);
  return rowCount ?? 0;
}
