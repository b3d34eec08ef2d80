import { createHash } from 'node:crypto';
import type { Metadata } from './service.ts';

/** How many a file of 1 GB has. */
export const HASHES = 250;

/** Block number n of those that are filled in. */
export function hashOf(n: number): string {
  return createHash('sha256').update(`block ${n}`).digest('hex');
}

/** Adds blocks with these numbers to the table of the service and to one with hashes as hexadecimal text. */
export async function fillBlocks(
  { pool }: Metadata,
  { from, to }: { from: number; to: number },
  progress: (text: string) => void,
): Promise<void> {
  await pool.query(`alter system set work_mem = '512MB'`);
  await pool.query('select pg_reload_conf()');
  await pool.query(
    `create table if not exists public.text_blocks (block_hash text primary key, ref_count integer not null,
       size_bytes integer not null, created_at timestamptz not null default now(), delete_after timestamptz)`,
  );
  progress(`makes ${(to - from).toLocaleString('en')} hashes`);
  await pool.query(
    `create unlogged table public.hashes as
     select sha256(convert_to('block ' || n, 'UTF8')) as hash from generate_series($1::int, $2::int - 1) n`,
    [from, to],
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
  await pool.query('drop table public.hashes');
  progress('builds both indexes anew: the one that held rows before had its pages split in the middle');
  await pool.query('reindex table blocks.blocks');
  await pool.query('reindex table public.text_blocks');
  await pool.query('vacuum analyze blocks.blocks, public.text_blocks');
}
