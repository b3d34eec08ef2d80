import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shardSchemas } from '../../lambdas/shared/database/shards.ts';
import { readJournal } from '../../local/aws/s3/journal.ts';
import type { Service } from './service.ts';

/** Hashes of the blocks whose objects are in the store, whichever version, sorted. */
export async function storedBlocks(data: string): Promise<string[]> {
  const folder = join(data, 's3');
  const buckets = await readdir(folder);
  const journals = await Promise.all(buckets.map((bucket) => readJournal(join(folder, bucket))));
  return journals
    .flatMap((versions) => [...versions.keys()])
    .map((key) => key.replace('blocks/', ''))
    .sort();
}

/** Changes the content of a block's object behind the back of S3; done twice, it is as it was. */
export async function damageBlock(data: string, hash: string): Promise<void> {
  const folders = (await readdir(join(data, 's3'))).map((bucket) => join(data, 's3', bucket));
  const found = folders.map(async (folder) => {
    const [version] = (await readJournal(folder)).get(`blocks/${hash}`) ?? [];
    return version ? [join(folder, 'objects', version.file!)] : [];
  });
  const [file] = (await Promise.all(found)).flat();
  if (file === undefined) throw new Error(`the store has no ${hash}`);
  const content = await readFile(file);
  content[0]! ^= 1;
  await writeFile(file, content);
}

/** Hashes of the blocks of which the service expects objects, or with `held` only those that versions hold, sorted. */
export async function knownBlocks({ database }: Service, { held = false } = {}): Promise<string[]> {
  const { rows } = await database.query<{ hash: string }>(
    `select encode(block_hash, 'hex') as hash from blocks.blocks
     where objects <> 'none' and (ref_count > 0 or not $1) order by block_hash`,
    [held],
  );
  return rows.map(({ hash }) => hash);
}

/** Lets the database believe that everything which waits for a time began so many hours earlier. */
export async function age({ database }: Service, hours: number): Promise<void> {
  const earlier = (column: string): string => `${column} = ${column} - ${hours} * interval '1 hour'`;
  const columns: (readonly [table: string, column: string])[] = [
    ['blocks.blocks', 'delete_after'],
    ['blocks.pins', 'expires_at'],
    ['blocks.ledger', 'changed_at'],
  ];
  for (const schema of shardSchemas) {
    columns.push([`${schema}.uploads`, 'expires_at'], [`${schema}.changes`, 'created_at']);
    columns.push([`${schema}.files`, 'deleted_at'], [`${schema}.file_versions`, 'superseded_at']);
  }
  await database.query(columns.map(([table, column]) => `update ${table} set ${earlier(column)};`).join(''));
}

/** One run of the hourly sweep; answers its report. */
export async function sweep({ cloud }: Service): Promise<Record<string, number>> {
  const { payload, functionError } = await cloud.invoke('Gc', {});
  if (functionError) throw new Error(payload.toString());
  return JSON.parse(payload.toString()) as Record<string, number>;
}

/** Has a block's object collected that is still referred to, as a wrong count would. */
export async function loseBlock(service: Service, hash: string): Promise<void> {
  const { database, data } = service;
  const key = Buffer.from(hash, 'hex');
  const { rows } = await database.query<{ ref_count: number; size_bytes: number }>(
    `update blocks.blocks b set ref_count = 0, delete_after = now() - interval '1 hour'
     from (select ref_count from blocks.blocks where block_hash = $1) old
     where b.block_hash = $1 returning old.ref_count, b.size_bytes`,
    [key],
  );
  await sweep(service);
  if ((await storedBlocks(data)).includes(hash)) throw new Error(`the sweep left ${hash}`);
  await database.query(
    `insert into blocks.blocks (block_hash, state, ref_count, size_bytes) values ($1, 'live', $2, $3)`,
    [key, rows[0]!.ref_count, rows[0]!.size_bytes],
  );
}
