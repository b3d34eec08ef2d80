import type { Finding } from '../../../protocol/admin.ts';
import { quarantine, readContent } from '../../shared/commit/quarantine.ts';
import type { Database } from '../../shared/database/rows.ts';
import { type BlockRow, hasObject } from '../../shared/tables/blocks.ts';
import { filterKept, listContents } from '../../shared/tables/contents.ts';

/** Rows in memory at once: 8 KiB each at most, and of a block that everybody has one for each user. */
const BLOCKS = 100;

/** Finds stored blocks that neither an object nor a row has, and in a sample the rows that are not their block. */
export async function auditContents(blocks: Database, stored: readonly BlockRow[], sample: number): Promise<Finding[]> {
  const bare = stored.filter((row) => !hasObject(row)).map(({ hash }) => hash);
  const kept = await filterKept(blocks, bare);
  const findings: Finding[] = [];
  for (const hash of bare.filter((hash) => !kept.has(hash))) {
    if (await quarantine(blocks, hash, undefined)) findings.push({ kind: 'missing', hash });
  }
  const sampled = stored.filter(() => Math.random() < sample);
  for (let start = 0; start < sampled.length; start += BLOCKS) {
    findings.push(...(await readRows(blocks, sampled.slice(start, start + BLOCKS))));
  }
  return findings;
}

async function readRows(blocks: Database, rows: readonly BlockRow[]): Promise<Finding[]> {
  const sizes = new Map(rows.map(({ hash, size_bytes }) => [hash, size_bytes]));
  const findings: Finding[] = [];
  for (const content of await listContents(blocks, [...sizes.keys()])) {
    // A pack is looked at as the block that it is.
    if (content.part) continue;
    if (await readContent(blocks, content, sizes.get(content.hash)!)) continue;
    findings.push({ kind: 'corrupt', hash: content.hash });
  }
  return findings;
}
