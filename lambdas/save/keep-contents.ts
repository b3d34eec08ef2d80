import { randomBytes } from 'node:crypto';
import { limits } from '../../protocol/limits.ts';
import { storePack } from '../shared/commit/packs.ts';
import { transaction } from '../shared/database/database.ts';
import type { Database } from '../shared/database/rows.ts';
import { guardBlocks, isStored, markLive, reviveBlocks } from '../shared/tables/blocks.ts';
import { type Content, putContents } from '../shared/tables/contents.ts';
import { guardAll } from '../shared/tables/guard-all.ts';
import { keepPacks, leavePacks } from '../shared/tables/packs.ts';
import { renewPins, type UploadKey } from '../shared/tables/pins.ts';

/** A content that was decoded: it is the block's. */
export interface SentContent extends Content {
  /** Bytes of the block. */
  readonly size: number;
}

/**
 * Keeps contents, and pins their blocks for the upload, whose user has shown that he has them: in rows, and what is too
 * large for these together in a pack. What is beyond the bytes that a user may have in rows is left out, as if it had not
 * been sent.
 */
export async function keepContents(blocks: Database, key: UploadKey, contents: readonly SentContent[]): Promise<void> {
  if (contents.length === 0) return;
  const { rowed = [], packed = [] } = Object.groupBy(contents, ({ encoded }) =>
    encoded.length <= limits.rowBytes ? 'rowed' : 'packed',
  );
  const places = [...rowed.map((content) => ({ ...content, part: null })), ...(await storePack(blocks, packed))];
  await transaction(blocks, async (sql) => {
    const packs = await guardBlocks(sql, [...new Set(places.flatMap(({ part }) => (part ? [part.pack] : [])))]);
    const there = places.filter(({ part }) => !part || isStored(packs.get(part.pack)));
    const rows = await guardAll(sql, there, 'row');
    const put = await putContents(sql, key.userId, there);
    const kept = there.filter(({ hash }) => put.kept.has(hash));
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
    await keepPacks(sql, [...packs.keys()]);
    await leavePacks(sql, put.left);
  });
}
