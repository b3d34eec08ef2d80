import pMap from 'p-map';
import { applyDelta, DeltaError } from '../../codec/index.ts';
import type { DeltaApplyHeader, DeltaApplyResponse } from '../../protocol/delta-apply.ts';
import type { ItemError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { itemError, Refusal } from '../shared/answers/errors.ts';
import { noteArrivals, noteShown } from '../shared/commit/arrivals.ts';
import type { Databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { writeBlock } from '../shared/store/block-store.ts';
import { findBlocks, hasObject, isStored } from '../shared/tables/blocks.ts';
import { type KeptDelta, keepDeltas } from '../shared/tables/deltas.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findPins } from '../shared/tables/pins.ts';
import { offeredSizes, requireUpload } from '../shared/tables/uploads.ts';
import { type BaseReader, openBases } from './bases.ts';

type Delta = DeltaApplyHeader['deltas'][number];
type Result = DeltaApplyResponse['results'][number];

/** Each holds a base of up to 12 MiB and a target of 4 MiB, of the function's 1,769 MB. */
const CONCURRENCY = 8;

/**
 * Rebuilds blocks from deltas against the user's own versions, verifies and stores them. Each fails alone. What is stored
 * already, or was made by an earlier delta of the call, is not made again. Small deltas are kept for the other devices.
 * @throws Refusal `limit_exceeded` for more work than fits a call
 */
export async function applyDeltas(
  databases: Databases,
  userId: string,
  { header, deltas }: { header: DeltaApplyHeader; deltas: readonly Uint8Array[] },
): Promise<DeltaApplyResponse> {
  const hashes = [...new Set(header.deltas.map(({ hash }) => hash))];
  const person = personOf(databases, userId);
  const namespace = ownNamespace(person);
  await requireDevice(person, header.device_id);
  await requireUpload(namespace, header.upload_id);
  const key = { userId, uploadId: header.upload_id };
  const offered = await offeredSizes(namespace, header.upload_id, hashes);
  const pins = await findPins(databases.blocks, key, hashes);
  const rows = await findBlocks(databases.blocks, hashes);
  const bases = await openBases(databases.blocks, namespace, header.deltas);
  checkWork(header, bases);

  const made = new Map<string, Promise<Result>>();
  const written = new Map<string, string>();
  const applied: KeptDelta[] = [];
  const makeOnce = (delta: Delta, bytes: Uint8Array): Promise<Result> => {
    const { hash } = delta;
    const row = rows.get(hash);
    const nothing: Result = isStored(row) && pins.get(hash)!.verified ? { hash } : { hash, error: notMade };
    const before = made.get(hash) ?? Promise.resolve(nothing);
    const write = hasObject(row)
      ? undefined
      : async (block: Uint8Array) => void written.set(hash, await writeBlock(hash, block));
    const result = before.then(async (known) => {
      if (!known.error) return known;
      const result = await applyOne(bases, delta, bytes, write);
      if (!result.error) applied.push({ hash, base: bases.hashes(delta.base), encoded: bytes });
      return result;
    });
    made.set(hash, result);
    return result;
  };
  const work = header.deltas.map((delta, index) => ({ delta, bytes: deltas[index]! }));
  const results = await pMap(
    work,
    async ({ delta, bytes }): Promise<Result> => {
      const error = refusal(delta, pins.has(delta.hash) ? offered.get(delta.hash) : undefined, bases);
      return error ? { hash: delta.hash, error } : await makeOnce(delta, bytes);
    },
    { concurrency: CONCURRENCY },
  );
  const done = new Map(
    header.deltas.flatMap(({ hash, size, bytes }, index) =>
      results[index]!.error ? [] : [[hash, { hash, size, deltaBytes: bytes }] as const],
    ),
  );
  const arrived = [...written].map(([hash, version]) => ({ ...done.get(hash)!, version }));
  await noteArrivals(databases.blocks, key, arrived);
  // What was stored before shows that the user has the content, and says nothing about what became of its object.
  const shown = [...done.values()].filter(({ hash }) => !written.has(hash));
  await noteShown(databases.blocks, key, shown);
  const small = applied.filter(({ encoded }) => encoded.length <= limits.keptDeltaBytes);
  await keepDeltas(namespace, small);
  return { results };
}

const noBase = itemError('not_found', 'the base is no block of a version of yours, or is lost: send the block whole');
const notMade = itemError('not_found', 'the block is not made yet');

/** @param sizes with which the upload names the block */
function refusal(
  { size, base }: Delta,
  sizes: readonly number[] | undefined,
  bases: Pick<BaseReader, 'size'>,
): ItemError | undefined {
  if (!sizes) return itemError('not_found', 'the block is not part of this upload');
  if (!sizes.includes(size)) {
    return itemError(
      'content_mismatch',
      `the block was offered with ${sizes[0]} bytes, not ${size}: offer its real size`,
    );
  }
  const bytes = bases.size(base);
  if (bytes <= limits.baseBytesPerDelta) return undefined;
  return itemError(
    'limit_exceeded',
    `a base of ${bytes} bytes, at most ${limits.baseBytesPerDelta} are read: name fewer blocks`,
  );
}

/** Demands that what the call reads and makes fits the function's time. */
function checkWork({ deltas }: DeltaApplyHeader, bases: BaseReader): void {
  const bytes = deltas.reduce((sum, { base, size }) => sum + bases.size(base) + size, 0);
  if (bytes <= limits.deltaWorkBytes) return;
  throw new Refusal(
    'limit_exceeded',
    `bases and blocks of this call have ${bytes} bytes, at most ${limits.deltaWorkBytes} are taken: send fewer deltas`,
  );
}

/** @param write stores the block; absent where its object is there */
async function applyOne(
  bases: BaseReader,
  delta: Delta,
  bytes: Uint8Array,
  write: ((block: Uint8Array) => Promise<void>) | undefined,
): Promise<Result> {
  const base = await bases.read(delta.base);
  if (!base) return { hash: delta.hash, error: noBase };
  try {
    const block = await applyDelta(base, bytes, { expectedSize: delta.size, expectedHash: delta.hash });
    await write?.(block);
    return { hash: delta.hash };
  } catch (error) {
    if (error instanceof DeltaError) return { hash: delta.hash, error: itemError('bad_delta', error.message) };
    throw error;
  }
}
