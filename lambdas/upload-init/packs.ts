import pMap from 'p-map';
import type { PacksRequest, PacksResponse } from '../../protocol/packs.ts';
import { pinPacks } from '../shared/commit/sent-packs.ts';
import type { Databases } from '../shared/database/database.ts';
import { personOf } from '../shared/database/rows.ts';
import { signUpload } from '../shared/store/block-store.ts';
import { requireDevice } from '../shared/tables/devices.ts';

/** Says where a user is to send packs, each of which stays for a save that names it. */
export async function initPacks(
  databases: Databases,
  userId: string,
  { device_id: deviceId, packs }: PacksRequest,
): Promise<PacksResponse> {
  await requireDevice(personOf(databases, userId), deviceId);
  const once = [...new Map(packs.map((pack) => [pack.hash, pack])).values()];
  const tokens = await pinPacks(databases.blocks, userId, once);
  const send = await pMap(packs, async ({ hash, size }) => ({
    hash,
    ...(await signUpload(hash, size, tokens.get(hash)!)),
  }));
  return { send };
}
