import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Namespace, Shard } from '../database/rows.ts';

/** The answer that a delete, move or restore call with this id got before, and the digest of that call. */
export async function findAnswer(
  { sql, schema, id }: Namespace,
  requestId: string,
): Promise<{ digest: Buffer; results: CommitResult[] } | undefined> {
  const { rows } = await sql.query<{ digest: Buffer; results: CommitResult[] }>(
    `select request_digest as digest, results from ${schema}.requests where user_id = $1 and request_id = $2`,
    [id, requestId],
  );
  return rows[0];
}

export async function keepAnswer(
  { sql, schema, id }: Namespace<PoolClient>,
  { requestId, digest, results }: { requestId: string; digest: Buffer; results: readonly CommitResult[] },
): Promise<void> {
  await sql.query(
    `insert into ${schema}.requests (user_id, request_id, request_digest, results) values ($1, $2, $3, $4)`,
    [id, requestId, digest, JSON.stringify(results)],
  );
}

/** An answer that is older than any retry. */
export const OUTDATED_ANSWER = `created_at < now() - interval '${limits.answerHours} hours'`;

/** Removes some of these. */
export async function removeOldAnswers({ sql, schema }: Shard<PoolClient>, limit: number): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from ${schema}.requests where (user_id, request_id) in (
       select user_id, request_id from ${schema}.requests
       where ${OUTDATED_ANSWER} order by created_at limit $1)`,
    [limit],
  );
  return rowCount ?? 0;
}
