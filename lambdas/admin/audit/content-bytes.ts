import type { Finding } from '../../../protocol/admin.ts';
import { transaction } from '../../shared/database/database.ts';
import type { Database, Sql } from '../../shared/database/rows.ts';
import { lockContentBytes } from '../../shared/tables/contents.ts';
import type { Step } from './step.ts';

/** Users whose saves and deletions of small content wait meanwhile. */
const BATCH = 50;

/** Compares the bytes of content in rows that each user is booked to have, by which he is refused more, with the rows. */
export async function auditContentBytes(blocks: Database): Promise<Step> {
  const [booked, actual] = [await bookedBytes(blocks), await actualBytes(blocks)];
  const users = [...new Set([...booked.keys(), ...actual.keys()])];
  const suspects = users.filter((user) => (booked.get(user) ?? 0) !== (actual.get(user) ?? 0)).sort();
  const findings: Finding[] = [];
  for (let start = 0; start < suspects.length; start += BATCH) {
    findings.push(...(await judge(blocks, suspects.slice(start, start + BATCH))));
  }
  return { checked: {}, findings };
}

/** What is booked was read at another moment than the rows. While it is locked, no change of either can end. */
async function judge(blocks: Database, suspects: readonly string[]): Promise<Finding[]> {
  return await transaction(blocks, async (sql) => {
    const booked = await lockContentBytes(sql, suspects);
    const actual = await actualBytes(sql, suspects);
    return suspects.flatMap((user_id): Finding[] => {
      const bytes = { booked: booked.get(user_id) ?? 0, actual: actual.get(user_id) ?? 0 };
      return bytes.booked === bytes.actual ? [] : [{ kind: 'content-drift', user_id, ...bytes }];
    });
  });
}

async function bookedBytes(sql: Sql): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ user_id: string; bytes: number }>(
    'select user_id, bytes from blocks.content_bytes',
  );
  return new Map(rows.map(({ user_id, bytes }) => [user_id, bytes]));
}

/** @param users all of them if absent: reads the whole table, but not the contents themselves */
async function actualBytes(sql: Sql, users?: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ user_id: string; bytes: number }>(
    `select user_id, coalesce(sum(octet_length(encoded)), 0)::int8 as bytes from blocks.contents
     where $1::uuid[] is null or user_id = any($1) group by user_id`,
    [users ?? null],
  );
  return new Map(rows.map(({ user_id, bytes }) => [user_id, bytes]));
}
