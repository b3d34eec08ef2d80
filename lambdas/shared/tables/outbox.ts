import type { PoolClient } from 'pg';
import type { FileChanged } from '../../../protocol/file-changed.ts';
import type { Namespace, Shard } from '../database/rows.ts';

/** Seconds after which an event that is still there says that no relay is at work. */
const STALE = 5;

/** Which of the shards have events. */
export async function filledOutboxes<S extends Shard>(shards: readonly S[]): Promise<S[]> {
  const filled: S[] = [];
  for (const shard of shards) {
    const { rowCount } = await shard.sql.query(`select from ${shard.schema}.outbox limit 1`);
    if (rowCount === 1) filled.push(shard);
  }
  return filled;
}

/** When the oldest event of the shards was committed, in ms since 1970; undefined when there is none. */
export async function oldestEvent(shards: readonly Shard[]): Promise<number | undefined> {
  const oldest: number[] = [];
  for (const { sql, schema } of shards) {
    const { rows } = await sql.query<{ at: number }>(
      `select (event->>'timestamp')::int8 as at from ${schema}.outbox order by created_at limit 1`,
    );
    if (rows[0]) oldest.push(rows[0].at);
  }
  return oldest.length > 0 ? Math.min(...oldest) : undefined;
}

/**
 * The first events of the shard, in order per user: at most `limit`, and at least one but no more than `maxBytes` of
 * them; undefined while another relay has the shard's turn. The turn ends with the transaction.
 */
export async function takeEvents(
  { sql, schema }: Shard<PoolClient>,
  { limit, maxBytes }: { limit: number; maxBytes: number },
): Promise<FileChanged[] | undefined> {
  const { rowCount: turn } = await sql.query(`select from ${schema}.relay_turn for update skip locked`);
  if (turn === 0) return undefined;
  const { rows } = await sql.query<{ event: FileChanged }>(
    `select event from (
       select user_id, seq, event, row_number() over place as place,
         sum(octet_length(event::text)) over place as bytes
       from (select * from ${schema}.outbox order by user_id, seq limit $1) o
       window place as (order by user_id, seq)) first
     where bytes <= $2 or place = 1 order by user_id, seq`,
    [limit, maxBytes],
  );
  return rows.map(({ event }) => event);
}

/** Part of a statement that has cursors and events in `new`, and the namespace as $2: what the relay will publish. */
export function addEvents({ schema }: Shard): string {
  return `insert into ${schema}.outbox (user_id, seq, event) select $2, seq, event from new`;
}

/** Adds events, whose cursors are their places, to what the relay will publish. */
export async function insertEvents(namespace: Namespace<PoolClient>, events: readonly FileChanged[]): Promise<void> {
  await namespace.sql.query(
    `with new as (select * from json_to_recordset($1) new(seq bigint, event jsonb)) ${addEvents(namespace)}`,
    [JSON.stringify(events.map((event) => ({ seq: event.cursor, event }))), namespace.id],
  );
}

/**
 * Whether a relay is on its way for what was committed with these cursors. A relay goes on until it finds the outbox
 * empty, so it comes to whatever joins an event that it has not removed; only the first event of an empty outbox has to
 * wake one, and any event when the oldest is stale. To be asked after the commit: before it, the relay could be through.
 */
export async function isRelayOnItsWay({ sql, schema, id }: Namespace, cursors: readonly number[]): Promise<boolean> {
  const { rows } = await sql.query<{ awaited: boolean }>(
    `select not (user_id = $1 and seq = any($2)) and created_at > now() - interval '${STALE} seconds' as awaited
     from ${schema}.outbox order by created_at limit 1`,
    [id, cursors],
  );
  return rows[0]?.awaited ?? true;
}

export async function removeEvents({ sql, schema }: Shard<PoolClient>, events: readonly FileChanged[]): Promise<void> {
  if (events.length === 0) return;
  await sql.query(
    `delete from ${schema}.outbox o using unnest($1::uuid[], $2::int8[]) sent(user_id, seq)
     where (o.user_id, o.seq) = (sent.user_id, sent.seq)`,
    [events.map(({ user_id }) => user_id), events.map(({ cursor }) => cursor)],
  );
}
