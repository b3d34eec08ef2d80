import pMap from 'p-map';
import type { DamageQuery, DamageResponse, HealRequest } from '../../protocol/heal.ts';
import { type Databases, transaction } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { findBlock } from '../shared/store/block-store.ts';
import { type BlockRow, findBlocks, listQuarantined, lockBlocks, markLive } from '../shared/tables/blocks.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { filterHeld, listHeld } from '../shared/tables/held-blocks.ts';
import { newPutToken } from '../shared/tables/pins.ts';
import { lookAt } from './suspects.ts';

/** Blocks that one call goes through. */
const PAGE = 1000;
const HEAD_CONCURRENCY = 32;

/**
 * Of the quarantined blocks, those that the user's versions hold. While there are few, all in one answer; when there are
 * many, page by page of what the user holds, so that `next` is never the hash of somebody else's block.
 */
export async function listDamage(
  databases: Databases,
  userId: string,
  { device_id: deviceId, after = '' }: DamageQuery,
): Promise<DamageResponse> {
  const person = personOf(databases, userId);
  await requireDevice(person, deviceId);
  const anybodys = (await listQuarantined(databases.blocks, after, PAGE + 1)).map(({ hash }) => hash);
  if (anybodys.length <= PAGE) {
    const held = await filterHeld(ownNamespace(person), anybodys);
    return { hashes: anybodys.filter((hash) => held.has(hash)) };
  }
  const own = await listHeld(ownNamespace(person), after, PAGE);
  const rows = await findBlocks(databases.blocks, own);
  return {
    hashes: own.filter((hash) => rows.get(hash)?.state === 'quarantined'),
    ...(own.length === PAGE && { next: own.at(-1)! }),
  };
}

/**
 * Takes the user's blocks out of quarantine whose content has come, and answers the others with what signs their upload.
 * S3 takes no upload whose content is not the block's, so any object version but the damaged one is good. First looks at
 * the suspects, so that what is bad of them is asked for.
 */
export async function healBlocks(
  databases: Databases,
  userId: string,
  { device_id: deviceId, hashes, suspects = [] }: HealRequest,
): Promise<{ hash: string; size: number; token: string }[]> {
  const person = personOf(databases, userId);
  await requireDevice(person, deviceId);
  const held = await filterHeld(ownNamespace(person), [...hashes, ...suspects]);
  await lookAt(
    databases.blocks,
    userId,
    [...new Set(suspects)].filter((hash) => held.has(hash)),
  );
  const offered = [...new Set(hashes)].filter((hash) => held.has(hash));
  const rows = await findBlocks(databases.blocks, offered);
  const damaged = [...rows.values()].filter(({ state }) => state === 'quarantined');
  const come = new Set(
    (
      await pMap(damaged, async (row) => ((await hasCome(row)) ? [row.hash] : []), { concurrency: HEAD_CONCURRENCY })
    ).flat(),
  );
  await transaction(databases.blocks, async (sql) => {
    const locked = await lockBlocks(sql, [...come]);
    const healed = [...locked.values()].filter(
      ({ hash, state, damaged_version }) =>
        state === 'quarantined' && damaged_version === rows.get(hash)!.damaged_version,
    );
    await markLive(
      sql,
      healed.map(({ hash, size_bytes }) => ({ hash, size: size_bytes })),
      'object',
    );
  });
  return damaged
    .filter(({ hash }) => !come.has(hash))
    .map(({ hash, size_bytes }) => ({ hash, size: size_bytes, token: newPutToken() }));
}

async function hasCome({ hash, size_bytes, damaged_version }: BlockRow): Promise<boolean> {
  const object = await findBlock(hash);
  return object?.plain === true && object.version !== damaged_version && object.size === size_bytes;
}
