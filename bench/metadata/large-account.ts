import type { Pool } from 'pg';
import { numbered } from '../../lambdas/shared/database/shards.ts';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { blocksMigrations, shardMigrations } from './service.ts';

/** Whose rows all of them are. */
export const owner = '7f000000-0000-4000-8000-000000000001';
const ownersDevice = '7f000000-0000-4000-8000-000000000002';
/** One of the shards, in which the account is. */
export const SHARD = 7;
/** Of this size are the folders of the account. */
const FILES_PER_FOLDER = 1_000;

export interface Size {
  /** Of the account. */
  readonly files: number;
  /** Of all users. */
  readonly blocks: number;
}

/** What the tests' statements ask about: the path of file n, and the hash of block n, which file n holds. */
export function filePath(n: number): string {
  return `${folderPath(Math.floor(n / FILES_PER_FOLDER))}/file-${String(n).padStart(8, '0')}.txt`;
}
export function folderPath(n: number): string {
  return `folder-${String(n).padStart(5, '0')}`;
}

const path = (n: string): string =>
  `'folder-' || lpad((${n} / ${FILES_PER_FOLDER})::text, 5, '0') || '/file-' || lpad((${n})::text, 8, '0') || '.txt'`;
const hash = (n: string): string => `sha256(convert_to('block ' || (${n}), 'UTF8'))`;
const id = (kind: string, n: string): string => `md5('${kind} ' || (${n}))::uuid`;

/**
 * Migrates a database and fills it with one account, which holds a fifth as many earlier versions as files, and with the
 * blocks of all users. The relay stands still: every tenth change waits for it.
 */
export async function fillAccount(pool: Pool, size: Size): Promise<void> {
  const schema = numbered('shard', SHARD);
  await migrateSchema(pool, schema, shardMigrations);
  await migrateSchema(pool, 'blocks', blocksMigrations);
  const client = await pool.connect();
  try {
    await client.query(`set work_mem = '512MB'; set synchronous_commit = off; set timezone = 'UTC'`);
    for (const text of [...ofAccount(schema, size.files), ...ofBlocks(size.blocks)]) {
      await client.query(text.replaceAll('$user', `'${owner}'::uuid`).replaceAll('$device', `'${ownersDevice}'::uuid`));
    }
    await client.query('vacuum (analyze)');
  } finally {
    client.release();
  }
}

function ofAccount(schema: string, files: number): string[] {
  const columns = 'kind, version, block_hashes, block_sizes, size_bytes, mtime_ms, mode';
  const file = (version: string, block: string): string =>
    `'file', ${version}, array[${hash(block)}], array[2048], 2048, 1700000000000 + n, 420`;
  const [versions, when] = [Math.floor(files * 1.2), `now() - n * interval '1 second'`];
  return [
    `insert into ${schema}.accounts (user_id, used_bytes, change_seq, entries) values ($user, 1, ${versions}, ${files})`,
    `insert into ${schema}.devices (user_id, device_id, name) values ($user, $device, 'bench')`,
    `insert into ${schema}.files (file_id, user_id, path, ${columns}, deleted_at)
     select ${id('file', 'n')}, $user, ${path('n')}, ${file('1 + (n % 5 = 0)::int', 'n')},
       case when n % 100 = 99 then ${when} end from generate_series(0, ${files - 1}) n`,
    `insert into ${schema}.file_versions
       (version_id, file_id, user_id, path, change_type, origin_device, superseded_at, ${columns})
     select ${id('version', 'n')}, ${id('file', 'n % $files')}, $user, ${path('n % $files')},
       case when n < $files then 'create' else 'update' end, $device,
       case when n < $files and n % 5 = 0 then ${when} end, ${file('1 + n / $files', 'n % $files')}
     from (select case when n < $files then n else (n - $files) * 5 + $files end as n
           from generate_series(0, ${versions - 1}) n) n`.replaceAll('$files', String(files)),
    `insert into ${schema}.changes (user_id, seq, version_id, created_at)
     select $user, row_number() over (order by created_at, version_id), version_id, now() - random() * interval '90 days'
     from ${schema}.file_versions`,
    `insert into ${schema}.held_blocks (user_id, block_hash, versions)
     select $user, ${hash('n')}, 1 from generate_series(0, ${files - 1}) n`,
    `insert into ${schema}.directories (user_id, path, parent, tree_hash)
     select $user, '', null, ${hash('-1')}
     union all select $user, 'folder-' || lpad(n::text, 5, '0'), '', case when n % 100 > 0 then ${hash('n')} end
     from generate_series(0, ${Math.ceil(files / FILES_PER_FOLDER) - 1}) n`,
    `insert into ${schema}.deltas (user_id, block_hash, base, encoded, created_at)
     select $user, ${hash('n')}, ${hash('n + 1')}, ${hash('n')}, ${when} from generate_series(0, ${files - 1}, 100) n`,
    `insert into ${schema}.outbox (user_id, seq, event, created_at)
     select $user, n, jsonb_build_object('timestamp', n, 'file_path', ${path('n')}, 'blocks', repeat('x', 400)),
       now() - (${files} - n) * interval '1 second' from generate_series(0, ${files - 1}, 10) n`,
  ];
}

function ofBlocks(blocks: number): string[] {
  const tenth = `generate_series(0, ${blocks - 1}, 10) n`;
  const hundredth = `generate_series(0, ${blocks - 1}, 100) n`;
  const other = id('user', 'n % 1000');
  return [
    // In the order of the index: each row in random order would touch another page of it.
    `insert into blocks.blocks (block_hash, state, ref_count, size_bytes, delete_after, objects)
     select ${hash('n')} as hash, case n % 10000 when 0 then 'quarantined' when 1 then 'deleting' else 'live' end,
       case when n % 100 = 1 then 0 else 1 end, 2048, case when n % 100 = 1 then now() + (n % 72) * interval '1 hour' end,
       case when n % 4 = 0 then 'there' else 'none' end
     from generate_series(0, ${blocks - 1}) n order by hash`,
    `insert into blocks.pins (user_id, upload_id, block_hash, expires_at, keeps_until, verified, put_token)
     select ${other}, ${id('upload', 'n % 5000')}, ${hash('n')}, now() + (n % 72) * interval '1 hour',
       now() + (n % 72) * interval '1 hour', false, md5(n::text) from ${hundredth}`,
    `insert into blocks.pins (user_id, upload_id, block_hash, expires_at, keeps_until, verified, put_token)
     select $user, ${id('upload', '0')}, ${hash('n')}, now() + interval '1 hour', now() + interval '1 hour', false,
       md5(n::text) from generate_series(0, 5000) n`,
    `insert into blocks.ledger (version_id, user_id, state, changed_at, block_hashes)
     select ${id('version', 'n')}, ${other}, case n % 1000 when 0 then 'raised' else 'confirmed' end,
       now() - n * interval '1 second', case n % 1000 when 0 then array[${hash('n')}] else '{}' end from ${tenth}`,
    `insert into blocks.contents (block_hash, user_id, encoded)
     select ${hash('n')}, ${other}, decode(repeat(md5(n::text), 64), 'hex') from ${hundredth}`,
    `insert into blocks.contents (block_hash, user_id, pack_hash, pack_at, pack_bytes)
     select ${hash('n + 1')}, ${other}, ${hash('n / 10000 * 10000')}, n % 10000 * 8, 8 from ${hundredth}`,
    `insert into blocks.content_bytes (user_id, bytes) select ${other}, 1 from generate_series(0, 999) n`,
    `insert into blocks.hot_counts (block_hash, slot, added)
     select ${hash('n / 64 * 10')}, n % 64, 100 from generate_series(0, 6399) n`,
    `insert into blocks.renewed (block_hash) select ${hash('n')} from generate_series(0, ${blocks - 1}, 10000) n`,
    `insert into blocks.claims (user_id, claimed) select ${other}, 1 from generate_series(0, 999) n`,
  ];
}
