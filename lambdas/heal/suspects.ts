import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { quarantine, readContent } from '../shared/commit/quarantine.ts';
import type { Database } from '../shared/database/rows.ts';
import { readBlock } from '../shared/store/block-store.ts';
import { findBlocks, isStored } from '../shared/tables/blocks.ts';
import { findContents } from '../shared/tables/contents.ts';

/** Blocks of 4 MiB that are in memory at a time; of the function's 512 MB. */
const CONCURRENCY = 4;

/** Looks at blocks that could not be downloaded, and sets aside those that are missing or bad, where the user reads them. */
export async function lookAt(blocks: Database, userId: string, hashes: readonly string[]): Promise<void> {
  const rows = await findBlocks(blocks, hashes);
  const stored = [...rows.values()].filter(isStored);
  const contents = await findContents(
    blocks,
    userId,
    stored.map(({ hash }) => hash),
  );
  for (const content of contents.values()) {
    await readContent(blocks, content, rows.get(content.hash)!.size_bytes);
  }
  await pMap(
    stored.filter(({ hash }) => !contents.has(hash)),
    async ({ hash }) => {
      const object = await readBlock(hash);
      const isGood = object?.plain === true && createHash('sha256').update(object.content).digest('hex') === hash;
      if (!isGood) await quarantine(blocks, hash, object?.version);
    },
    { concurrency: CONCURRENCY },
  );
}
