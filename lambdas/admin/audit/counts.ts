import type { Databases } from '../../shared/database/database.ts';
import { judgeCounts } from './judge.ts';
import type { Step } from './step.ts';

/** Blocks whose counts are in memory at once. */
const BLOCKS = 5000;

interface Count {
  hash: string;
  count: number;
}

/**
 * Compares the counts of some blocks, in the order of their hashes, with what all shards hold. The two are read at
 * different moments, so those that differ are only suspects.
 */
export async function auditCounts(databases: Databases, after: string | undefined): Promise<Step> {
  const from = Buffer.from(after ?? '', 'hex');
  const { rows: blocks } = await databases.blocks.query<Count>(
    `select encode(block_hash, 'hex') as hash, ref_count as count from blocks.counts
     where block_hash > $1 order by block_hash limit $2`,
    [from, BLOCKS],
  );
  let last = blocks.length === BLOCKS ? blocks.at(-1)!.hash : undefined;
  const held = new Map<string, number>();
  for (const { sql, schema } of databases.shards) {
    const { rows } = await sql.query<Count>(
      `select encode(block_hash, 'hex') as hash, sum(versions)::int8 as count from ${schema}.held_blocks
       where block_hash > $1 and ($2::bytea is null or block_hash <= $2)
       group by block_hash order by block_hash limit $3`,
      [from, last === undefined ? null : Buffer.from(last, 'hex'), BLOCKS],
    );
    // A full page may lack hashes, of which the blocks then know nothing: the range of this step ends there.
    if (rows.length === BLOCKS) last = rows.at(-1)!.hash;
    for (const { hash, count } of rows) held.set(hash, (held.get(hash) ?? 0) + count);
  }
  const inRange = ({ hash }: { hash: string }) => last === undefined || hash <= last;
  const counts = new Map(blocks.filter(inRange).map(({ hash, count }) => [hash, count]));
  const suspects = [...new Set([...counts.keys(), ...held.keys()])].filter(
    (hash) => inRange({ hash }) && (counts.get(hash) ?? 0) !== (held.get(hash) ?? 0),
  );
  return {
    checked: { blocks: counts.size },
    findings: await judgeCounts(databases, suspects.sort()),
    ...(last !== undefined && { next: { phase: 'counts', after: last } }),
  };
}
