import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Shard } from '../database/database.ts';
import type { Sql } from '../database/sql.ts';

/** The answer that a delete, move or restore call with this id got before, and the digest of that call. */
export async function findAnswer(
  sql: Sql,
  { schema }: Shard,
  userId: string,
  requestId: string,
): Promise<{ digest: Buffer; results: CommitResult[] } | undefined> {
  const { rows } = await sql.query<{ digest: Buffer; results: CommitResult[] }>(
    `select request_digest as digest, results from ${schema}.requests where user_id = $1 and request_id = $2`,
    [userId, requestId],
  );
  return rows[0];
}

export async function keepAnswer(
  sql: PoolClient,
  { schema }: Shard,
  userId: string,
  { id, digest, results }: { id: string; digest: Buffer; results: readonly CommitResult[] },
): Promise<void> {
  await sql.query(
    `insert into ${schema}.requests (user_id, request_id, request_digest, results) values ($1, $2, $3, $4)`,
    [userId, id, digest, JSON.stringify(results)],
  );
}

/** An answer that is older than any retry. */
export const OUTDATED_ANSWER = `created_at < now() - interval '${limits.answerHours} hours'`;

/** Removes some of these. */
export async function removeOldAnswers(sql: PoolClient, { schema }: Shard, limit: number): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from ${schema}.requests where (user_id, request_id) in (
       select user_id, request_id from ${schema}.requests
       where ${OUTDATED_ANSWER} order by created_at limit $1)`,
    [limit],
  );
  return rowCount ?? 0;
}
