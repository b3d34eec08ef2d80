import type { Finding } from '../../../protocol/admin.ts';
import { type Databases, transaction } from '../../shared/database/database.ts';
import { toBytes } from '../../shared/database/ids.ts';
import type { Shard } from '../../shared/database/rows.ts';
import { countsOf, lockBlocks } from '../../shared/tables/blocks.ts';
import { openVersions } from '../../shared/tables/ledger.ts';

/** Few, since finalizes that refer to them wait meanwhile. */
const BATCH = 50;
/** How often an expiry may come in between. */
const ATTEMPTS = 5;

/**
 * Says of which suspects the count is truly wrong. With their rows locked no count can rise or fall, so the set of
 * versions that are counted stands still; each of them is either visible in its shard, or open in the ledger because
 * its finalize or its expiry is on its way.
 */
export async function judgeCounts(databases: Databases, suspects: readonly string[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (let start = 0; start < suspects.length; start += BATCH) {
    findings.push(...(await judgeBatch(databases, suspects.slice(start, start + BATCH))));
  }
  return findings;
}

async function judgeBatch(databases: Databases, suspects: readonly string[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  let open = suspects;
  for (let attempt = 0; open.length > 0 && attempt < ATTEMPTS; attempt++) {
    const judged = await judgeLocked(databases, open);
    findings.push(...judged.findings);
    open = judged.undecided;
  }
  return findings;
}

async function judgeLocked(
  { blocks, shards }: Databases,
  suspects: readonly string[],
): Promise<{ findings: Finding[]; undecided: string[] }> {
  return await transaction(blocks, async (sql) => {
    await lockBlocks(sql, suspects);
    const counts = await countsOf(sql, suspects);
    const before = await openVersions(sql, suspects);
    const { held, visible } = await lookInShards(shards, suspects, [...before.keys()]);
    const after = await openVersions(sql, suspects);
    // An expiry that opened meanwhile: whether its version was still there when its shard was read is not known.
    const opened = [...after].filter(([version]) => !before.has(version));
    const undecided = new Set(opened.flatMap(([, hashes]) => [...hashes]));
    const findings = suspects.flatMap((hash): Finding[] => {
      const underWay = [...before].filter(([version, hashes]) => hashes.has(hash) && !visible.has(version)).length;
      const counted = counts.get(hash) ?? 0;
      const actual = held.get(hash) ?? 0;
      if (undecided.has(hash) || counted === actual + underWay) return [];
      return [{ kind: 'count-drift', hash, counted, actual }];
    });
    return { findings, undecided: suspects.filter((hash) => undecided.has(hash)) };
  });
}

/** How many versions hold each block, and which of some versions are there, by one statement for each shard. */
async function lookInShards(
  shards: readonly Shard[],
  hashes: readonly string[],
  versions: readonly string[],
): Promise<{ held: Map<string, number>; visible: Set<string> }> {
  const held = new Map<string, number>();
  const visible = new Set<string>();
  for (const { sql, schema } of shards) {
    const { rows } = await sql.query<{ held: Record<string, number> | null; visible: string[] | null }>(
      `select (select json_object_agg(encode(block_hash, 'hex'), versions) from (
           select block_hash, sum(versions)::int8 as versions from ${schema}.held_blocks
           where block_hash = any($1) group by block_hash) h) as held,
         (select array_agg(version_id) from ${schema}.file_versions where version_id = any($2)) as visible`,
      [toBytes(hashes), versions],
    );
    const row = rows[0]!;
    for (const [hash, count] of Object.entries(row.held ?? {})) held.set(hash, (held.get(hash) ?? 0) + count);
    for (const version of row.visible ?? []) visible.add(version);
  }
  return { held, visible };
}
