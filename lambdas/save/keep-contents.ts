import { randomBytes } from 'node:crypto';
import { transaction } from '../shared/database/database.ts';
import type { Database } from '../shared/database/rows.ts';
import { markLive, reviveBlocks } from '../shared/tables/blocks.ts';
import { type Content, putContents } from '../shared/tables/contents.ts';
import { renewPins, type UploadKey } from '../shared/tables/pins.ts';
import { guardAll } from '../shared/upload/guard-all.ts';

/** A content that was decoded: it is the block's. */
export interface SentContent extends Content {
  /** Bytes of the block. */
  readonly size: number;
}

/**
 * Keeps contents in rows, and pins their blocks for the upload, whose user has shown that he has them. What is beyond the
 * bytes that a user may have in rows is left out, as if it had not been sent.
 */
export async function keepContents(blocks: Database, key: UploadKey, contents: readonly SentContent[]): Promise<void> {
  if (contents.length === 0) return;
  await transaction(blocks, async (sql) => {
    const rows = await guardAll(sql, contents, 'row');
    const fitting = await putContents(sql, key.userId, contents);
    const kept = contents.filter(({ hash }) => fitting.has(hash));
    await reviveBlocks(
      sql,
      kept.map(({ hash }) => rows.get(hash)!),
    );
    await renewPins(
      sql,
      key,
      kept.map(({ hash }) => ({ hash, verified: true, token: randomBytes(16).toString('hex'), nonce: null })),
    );
    await markLive(sql, kept, 'row');
  });
}
