import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { quarantine } from '../shared/commit/quarantine.ts';
import type { Database } from '../shared/database/rows.ts';
import { readBlock } from '../shared/store/block-store.ts';
import { findBlocks, isStored } from '../shared/tables/blocks.ts';

/** Blocks of 4 MiB that are in memory at a time; of the function's 512 MB. */
const CONCURRENCY = 4;

/** Looks at blocks that could not be downloaded, and sets aside those that are missing or bad in the store. */
export async function lookAt(blocks: Database, hashes: readonly string[]): Promise<void> {
  const rows = await findBlocks(blocks, hashes);
  const stored = hashes.filter((hash) => isStored(rows.get(hash)));
  await pMap(
    stored,
    async (hash) => {
      const object = await readBlock(hash);
      const isGood = object?.plain === true && createHash('sha256').update(object.content).digest('hex') === hash;
      if (!isGood) await quarantine(blocks, hash, object?.version);
    },
    { concurrency: CONCURRENCY },
  );
}
