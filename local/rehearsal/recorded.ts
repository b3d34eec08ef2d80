import { Client } from 'pg';
import type { Services } from '../types.ts';

/** What the service's database has of all users. */
export interface Recorded {
  /** The newest change. */
  readonly changes: number;
  readonly versions: number;
  readonly devices: number;
  /** Of live files. */
  readonly paths: ReadonlySet<string>;
  /** SHA-256 of the contents of all versions; of files of one block, which is all that the rehearsal has. */
  readonly contents: ReadonlySet<string>;
}

/** Reads every shard, which the account of the rehearsal has for itself. */
export async function recordedAt(superuser: Services['database']): Promise<Recorded> {
  const client = new Client({ ...superuser, database: 'tidemark' });
  await client.connect();
  try {
    const schemas = await client.query<{ name: string }>(
      `select nspname as name from pg_namespace where nspname ~ '^shard_[0-9]+$'`,
    );
    const all = (columns: string, table: string) =>
      schemas.rows.map(({ name }) => `select ${columns} from ${name}.${table}`).join(' union all ');
    const [sums] = (
      await client.query<{ changes: number; versions: number; devices: number }>(
        `select (select max(change_seq)::int from (${all('change_seq', 'accounts')}) a) as changes,
           (select count(*)::int from (${all('version_id', 'file_versions')}) v) as versions,
           (select count(*)::int from (${all('device_id', 'devices')}) d) as devices`,
      )
    ).rows;
    const files = await client.query<{ path: string }>(
      `select path from (${all('path, kind, deleted_at', 'files')}) f where deleted_at is null and kind = 'file'`,
    );
    const contents = await client.query<{ hash: string }>(
      `select distinct encode(block_hashes[1], 'hex') as hash from (${all('block_hashes', 'file_versions')}) v
       where cardinality(block_hashes) = 1`,
    );
    return {
      ...sums!,
      contents: new Set(contents.rows.map(({ hash }) => hash)),
      paths: new Set(files.rows.map(({ path }) => path)),
    };
  } finally {
    await client.end();
  }
}
