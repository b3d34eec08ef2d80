import { limits } from '../../protocol/limits.ts';
import { storePack } from '../shared/commit/packs.ts';
import type { Database } from '../shared/database/rows.ts';
import { guardBlocks, isStored, lockToRaise, markLive, reviveBlocks } from '../shared/tables/blocks.ts';
import { type Content, type PackPart, type PlacedContent, putContents } from '../shared/tables/contents.ts';
import { guardAll } from '../shared/tables/guard-all.ts';
import { keepPacks, leavePacks } from '../shared/tables/packs.ts';
import { newPutToken, renewPins, type UploadKey } from '../shared/tables/pins.ts';
import type { Arriving } from '../shared/upload/raise.ts';

/** A content that was decoded: it is the block's. */
export interface SentContent extends Content {
  /** Bytes of the block. */
  readonly size: number;
  /** Where it lies already, if it came in a pack. */
  readonly sent?: PackPart | undefined;
}

/** A content, and where it is to be kept. */
type Placed = PlacedContent & { readonly size: number };

/** Finds a place for contents: a row, and for what is too large for these a pack, which is stored. */
export async function placeContents(blocks: Database, contents: readonly SentContent[]): Promise<Placed[]> {
  const { rowed = [], packed = [] } = Object.groupBy(contents, ({ encoded }) =>
    encoded.length <= limits.rowBytes ? 'rowed' : 'packed',
  );
  return [
    ...rowed.map((content) => ({ ...content, part: null })),
    ...packed.flatMap(({ sent, ...content }) => (sent ? [{ ...content, encoded: null, part: sent }] : [])),
    ...(await storePack(
      blocks,
      packed.filter(({ sent }) => !sent),
    )),
  ];
}

/**
 * Contents of a user that are to be kept. What is beyond the bytes that he may have in rows is left out, as if it had not
 * been sent.
 */
export function placedContents(key: UploadKey, places: readonly Placed[]): Arriving {
  return {
    async lock(sql, hashes) {
      if (places.length === 0) return await lockToRaise(sql, hashes);
      return await guardAll(sql, places, 'row', (sql, there) => lockToRaise(sql, there, 'row'), hashes);
    },

    async note(sql, rows) {
      if (places.length === 0) return new Map();
      const packs = await guardBlocks(sql, [...new Set(places.flatMap(({ part }) => part?.pack ?? []))]);
      const there = places.filter(({ part }) => !part || isStored(packs.get(part.pack)));
      const put = await putContents(sql, key.userId, there);
      const kept = there.filter(({ hash }) => put.kept.has(hash));
      await reviveBlocks(
        sql,
        kept.map(({ hash }) => rows.get(hash)!),
      );
      // What is live may be locked together with others, who would wait for each other here.
      await markLive(
        sql,
        kept.filter(({ hash }) => rows.get(hash)!.state !== 'live'),
        'row',
      );
      await keepPacks(sql, [...packs.keys()]);
      await leavePacks(sql, put.left);
      return new Map(kept.map(({ hash, size }) => [hash, size]));
    },

    async pin(sql, hashes) {
      if (hashes.length === 0) return;
      await renewPins(
        sql,
        key,
        hashes.map((hash) => ({ hash, verified: true, token: newPutToken(), nonce: null })),
      );
    },
  };
}
