import { createHash } from 'node:crypto';
import pMap from 'p-map';
import type { Finding } from '../../../protocol/admin.ts';
import { quarantine } from '../../shared/commit/quarantine.ts';
import type { Database } from '../../shared/database/rows.ts';
import { findBlock, listBlocks, readBlock } from '../../shared/store/block-store.ts';
import { type BlockRow, blocksBetween, findBlocks, hasObject, isStored } from '../../shared/tables/blocks.ts';
import { auditContents } from './contents.ts';
import type { Step } from './step.ts';

/** Blocks of 4 MiB in memory at once, of the function's 1,024 MB. */
const CONCURRENCY = 16;

/**
 * Compares a page of the store's listing with the rows of the same range, and reads a sample of the contents. Listing,
 * rows and contents are of different moments: before anything is reported it is looked at again.
 */
export async function auditObjects(blocks: Database, after: string, sample: number): Promise<Step> {
  const { sizes, last } = await listBlocks(after);
  const rows = await blocksBetween(blocks, after, last);
  const orphans = [...sizes.keys()].filter((key) => isOrphan(rows.get(key)));
  const stored = [...rows.values()].filter(hasObject);
  const missing = stored.filter(({ hash }) => !sizes.has(hash));
  const present = stored.filter(({ hash }) => sizes.has(hash));
  const [wrongSize, rightSize] = [present.filter((row) => !fits(row)), present.filter(fits)];
  const sampled = rightSize.filter(() => Math.random() < sample);

  const findings = [
    ...(await pMap(orphans, (key) => judgeOrphan(blocks, key), { concurrency: CONCURRENCY })),
    ...(await pMap(missing, ({ hash }) => judgeMissing(blocks, hash), { concurrency: CONCURRENCY })),
    ...(await pMap([...wrongSize, ...sampled], ({ hash }) => judgeContent(blocks, hash), { concurrency: CONCURRENCY })),
    ...(await auditContents(blocks, [...rows.values()].filter(isStored), sample)),
    ...[...rows.values()].map(({ hash, state }) => (state === 'quarantined' ? ({ kind: state, hash } as const) : [])),
  ].flat();
  return {
    checked: { objects: sizes.size, contents: wrongSize.length + sampled.length },
    findings,
    ...(last !== undefined && { next: { phase: 'objects', after: last } }),
  };

  function fits({ hash, size_bytes: size }: BlockRow): boolean {
    return sizes.get(hash) === size;
  }
}

async function judgeOrphan(blocks: Database, key: string): Promise<Finding[]> {
  if (!/^[0-9a-f]{64}$/.test(key)) return [{ kind: 'orphan', key }];
  // In this order: collection removes the object before the row.
  const known = !isOrphan((await findBlocks(blocks, [key])).get(key));
  return known || !(await findBlock(key)) ? [] : [{ kind: 'orphan', key }];
}

/** Whether no row speaks of an object, so that none is collected. */
function isOrphan(row: BlockRow | undefined): boolean {
  return row === undefined || row.objects === 'none';
}

async function judgeMissing(blocks: Database, hash: string): Promise<Finding[]> {
  const gone = await quarantine(blocks, hash, undefined);
  return gone ? [{ kind: 'missing', hash }] : [];
}

async function judgeContent(blocks: Database, hash: string): Promise<Finding[]> {
  const found = await readBlock(hash);
  if (!found) return await judgeMissing(blocks, hash);
  const whole = createHash('sha256').update(found.content).digest('hex') === hash;
  if (whole && found.plain) return [];
  const kind = whole ? 'mislabelled' : 'corrupt';
  return (await quarantine(blocks, hash, found.version)) ? [{ kind, hash }] : [];
}
