import { randomInt } from 'node:crypto';
import { findBlocks } from '../../lambdas/shared/tables/blocks.ts';
import { median, quantile } from '../statistics.ts';
import { HASHES, hashOf } from './blocks.ts';
import type { Metadata } from './service.ts';

/** Of these so many are unknown. */
const UNKNOWN = 2;
const LOOKUPS = 300;

export interface DedupCheck {
  readonly rows: number;
  /** Milliseconds, and bytes of the index that finds a hash. */
  readonly here: { readonly p50: number; readonly p99: number; readonly index: number };
  /** The table of the described system, with hashes as hexadecimal text. */
  readonly text: { readonly p50: number; readonly p99: number; readonly index: number };
}

/**
 * Looks up the hashes of one large file among those that were filled in, in the table of the service and in one with
 * hashes as text. The two take turns; every look-up asks for others.
 */
export async function measureDedupCheck({ databases, pool }: Metadata, rows: number): Promise<DedupCheck> {
  const times = { here: [] as number[], text: [] as number[] };
  for (let lookup = 0; lookup < LOOKUPS; lookup++) {
    times.here.push(await found(rows, async (hashes) => (await findBlocks(databases.blocks, hashes)).size));
    const query = 'select block_hash, ref_count, size_bytes from public.text_blocks where block_hash = any($1)';
    times.text.push(await found(rows, async (hashes) => (await pool.query(query, [hashes])).rowCount));
  }
  return {
    rows,
    here: { p50: median(times.here), p99: quantile(times.here, 0.99), index: await sizeOf('blocks.blocks_pkey') },
    text: { p50: median(times.text), p99: quantile(times.text, 0.99), index: await sizeOf('public.text_blocks_pkey') },
  };

  async function sizeOf(index: string): Promise<number> {
    const { rows: sizes } = await pool.query<{ bytes: number }>('select pg_relation_size($1::regclass) as bytes', [
      index,
    ]);
    return sizes[0]!.bytes;
  }
}

/** Milliseconds of one look-up, which has to find all but the unknown ones. */
async function found(rows: number, lookUp: (hashes: string[]) => Promise<number | null>): Promise<number> {
  const hashes = Array.from({ length: HASHES }, (_, index) => hashOf(index < UNKNOWN ? -1 - index : randomInt(rows)));
  const started = performance.now();
  const count = await lookUp(hashes);
  const took = performance.now() - started;
  if (count !== new Set(hashes).size - UNKNOWN) throw new Error(`${count} of ${HASHES} blocks were found`);
  return took;
}
