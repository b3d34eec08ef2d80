import { createHash, randomInt } from 'node:crypto';
import { findBlocks } from '../../lambdas/shared/tables/blocks.ts';
import { median, quantile } from '../statistics.ts';
import type { Metadata } from './service.ts';

/** What a file of 1 GB asks for. */
const HASHES = 250;
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

/** Block number n of those that are filled in. */
const hashOf = (n: number): string => createHash('sha256').update(`block ${n}`).digest('hex');

/**
 * Looks up the hashes of one large file among many blocks, in the table of the service and in one with hashes as text.
 * The two take turns; every look-up asks for others.
 */
export async function measureDedupCheck(
  { databases, pool }: Metadata,
  rows: number,
  progress: (text: string) => void,
): Promise<DedupCheck> {
  await pool.query(`alter system set work_mem = '512MB'`);
  await pool.query('select pg_reload_conf()');
  await pool.query(
    `create table public.text_blocks (block_hash text primary key, ref_count integer not null,
       size_bytes integer not null, created_at timestamptz not null default now(), delete_after timestamptz)`,
  );
  progress(`makes ${rows.toLocaleString('en')} hashes`);
  await pool.query(
    `create unlogged table public.hashes as
     select sha256(convert_to('block ' || n, 'UTF8')) as hash from generate_series(0, $1::int - 1) n`,
    [rows],
  );
  // In the order of the index: each row in random order would touch another page of it.
  progress('fills the table of the service');
  await pool.query(
    `insert into blocks.blocks (block_hash, state, ref_count, size_bytes)
     select hash, 'live', 1, 4194304 from public.hashes order by hash`,
  );
  progress('fills the table with hashes as text');
  await pool.query(
    `insert into public.text_blocks (block_hash, ref_count, size_bytes)
     select encode(hash, 'hex'), 1, 4194304 from public.hashes order by hash`,
  );
  progress('builds both indexes anew: the one that held rows before had its pages split in the middle');
  await pool.query('reindex table blocks.blocks');
  await pool.query('reindex table public.text_blocks');
  await pool.query('vacuum analyze blocks.blocks, public.text_blocks');

  progress(`looks up ${HASHES} hashes, ${LOOKUPS} times`);
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
