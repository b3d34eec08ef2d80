import pMap from 'p-map';
import { applyDelta, DeltaError } from '../../codec/index.ts';
import type { DeltaApplyHeader, DeltaApplyResponse } from '../../protocol/delta-apply.ts';
import { writeBlock } from '../shared/block-store.ts';
import { noteArrivals } from '../shared/commit/arrivals.ts';
import type { Databases } from '../shared/database.ts';
import { itemError } from '../shared/errors.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findPins } from '../shared/tables/pins.ts';
import { requireUpload } from '../shared/tables/uploads.ts';
import { type BaseReader, openBases } from './bases.ts';

type Delta = DeltaApplyHeader['deltas'][number];
type Result = DeltaApplyResponse['results'][number];

/** Each holds a base of up to 12 MiB and a target of 4 MiB, of the function's 1,769 MB. */
const CONCURRENCY = 8;

/** Rebuilds blocks from deltas against the user's own versions, verifies and stores them. Each fails alone. */
export async function applyDeltas(
  databases: Databases,
  userId: string,
  { header, deltas }: { header: DeltaApplyHeader; deltas: readonly Uint8Array[] },
): Promise<DeltaApplyResponse> {
  const shard = databases.shardOf(userId);
  await requireDevice(shard.pool, shard, userId, header.device_id);
  await requireUpload(shard.pool, shard, userId, header.upload_id);
  const session = { userId, uploadId: header.upload_id };
  const pins = await findPins(databases.blocks, session, [...new Set(header.deltas.map(({ hash }) => hash))]);
  const bases = await openBases(shard, userId, header.deltas);

  const work = header.deltas.map((delta, index) => ({ delta, bytes: deltas[index]! }));
  const results = await pMap(
    work,
    async ({ delta, bytes }): Promise<Result> => {
      if (!pins.has(delta.hash)) {
        return { hash: delta.hash, error: itemError('not_found', 'the block is not part of this upload') };
      }
      return await applyOne(bases, delta, bytes);
    },
    { concurrency: CONCURRENCY },
  );
  const arrivals = new Map(
    header.deltas.flatMap(({ hash, size, bytes }, index) =>
      results[index]!.error ? [] : [[hash, { hash, size, deltaBytes: bytes }] as const],
    ),
  );
  await noteArrivals(databases.blocks, session, [...arrivals.values()]);
  return { results };
}

async function applyOne(bases: BaseReader, delta: Delta, bytes: Uint8Array): Promise<Result> {
  const base = await bases.read(delta.base);
  if (!base) return { hash: delta.hash, error: itemError('not_found', 'the base is no block of a version of yours') };
  try {
    const block = await applyDelta(base, bytes, { expectedSize: delta.size, expectedHash: delta.hash });
    await writeBlock(delta.hash, block);
    return { hash: delta.hash };
  } catch (error) {
    if (error instanceof DeltaError) return { hash: delta.hash, error: itemError('bad_delta', error.message) };
    throw error;
  }
}
