import pMap from 'p-map';
import { transaction } from '../shared/database/database.ts';
import { toBytes } from '../shared/database/ids.ts';
import type { Database } from '../shared/database/rows.ts';
import { byteaText } from '../shared/database/sql.ts';
import { deleteObjectVersion, listObjectVersions } from '../shared/store/block-store.ts';

const CONCURRENCY = 16;
/** Blocks with more object versions, which several uploads at once do not make, wait until no other block is due. */
const FEW_VERSIONS = 16;
/** Object versions of such a block that one step deletes at most, before it turns to the next block. */
const VERSIONS_PER_STEP = 1000;
/** Object versions that are deleted before their names come off the lists. */
const CHUNK = 128;

/** Unused since before the grace period, and no open upload counts on it. By the database's clock. */
export const UNUSED = `b.ref_count = 0 and b.delete_after < now()
  and not exists (select from blocks.pins p where p.block_hash = b.block_hash and p.expires_at > now())`;

/** Seconds since the oldest block that is still there could have been deleted; 0 when there is none. */
export async function collectionLag(blocks: Database): Promise<number> {
  const { rows } = await blocks.query<{ lag: number }>(
    `select coalesce(extract(epoch from now() - min(b.delete_after)), 0)::int as lag from blocks.blocks b where ${UNUSED}`,
  );
  return rows[0]?.lag ?? 0;
}

/** What the second step takes: blocks that the first one condemned, never sent or damaged ones, and what an earlier run left. */
const CONDEMNED = `((b.state in ('condemned', 'pending', 'quarantined') and ${UNUSED}) or (b.state = 'deleting' and b.delete_after < now()))`;

/** No object version is noted: the store has to be asked which there are. */
const UNLISTED = `coalesce(cardinality(b.object_versions), 0) = 0`;

interface Doomed {
  hash: string;
  /** The object versions to delete, and no other. */
  versions: string[];
}

/**
 * Collects some blocks: live -> condemned, then condemned, pending or quarantined -> deleting with object versions that
 * are there now, then those versions are deleted, then the rows. Each change of state is a short transaction that locks
 * first and asks then whether the block is unused, by a statement that sees all who held it before. A run that stops
 * anywhere is continued by the next. An upload in between revives the block, or makes an object version that is not on
 * the list and stays.
 *
 * How many versions a block has is up to whoever sent it. So a list is one page of the store's, what has many waits
 * until nothing else is due, and names come off a list as their versions go; an empty list is filled again, and the row
 * goes when there is nothing to fill it with.
 * @param until when to stop, in milliseconds since 1970
 */
export async function collectBlocks(
  blocks: Database,
  limit: number,
  until: number,
): Promise<{ condemned: number; deleted: number; more: boolean }> {
  const condemned = await condemn(blocks, limit);
  const { rows: unlisted } = await blocks.query<{ hash: string }>(
    `select encode(b.block_hash, 'hex') as hash from blocks.blocks b
     where ${CONDEMNED} and ${UNLISTED} order by b.delete_after limit $1`,
    [limit],
  );
  const list = async ({ hash }: { hash: string }) => ({ hash, ...(await listObjectVersions(hash)) });
  const listed = await pMap(unlisted, list, { concurrency: CONCURRENCY });
  const whole = new Set(listed.flatMap(({ hash, more }) => (more ? [] : [hash])));
  const doomed = await doom(blocks, listed);
  const few = doomed.filter(({ hash, versions }) => whole.has(hash) && versions.length <= FEW_VERSIONS);
  const gone = await deleteVersions(few, until);
  const deleted = await removeRows(
    blocks,
    few.filter(({ hash, versions }) => gone.get(hash) === versions.length),
  );
  if (unlisted.length === limit) return { condemned, deleted, more: true };
  return { condemned, deleted, more: await shortenLists(blocks, limit, until) };
}

async function condemn(blocks: Database, limit: number): Promise<number> {
  return await transaction(blocks, async (sql) => {
    const { rows: locked } = await sql.query<{ block_hash: Buffer }>(
      `select b.block_hash from blocks.blocks b where b.state = 'live' and ${UNUSED}
       order by b.delete_after limit $1 for update skip locked`,
      [limit],
    );
    const { rowCount } = await sql.query(
      `update blocks.blocks b set state = 'condemned' where b.block_hash = any($1) and ${UNUSED}`,
      [locked.map(({ block_hash }) => block_hash)],
    );
    return rowCount ?? 0;
  });
}

/** Notes what is to be deleted of those blocks that are still unused; answers these. */
async function doom(blocks: Database, listed: readonly Doomed[]): Promise<Doomed[]> {
  if (listed.length === 0) return [];
  return await transaction(blocks, async (sql) => {
    const { rows: locked } = await sql.query<{ hash: string }>(
      `select encode(block_hash, 'hex') as hash from blocks.blocks where block_hash = any($1) for update skip locked`,
      [toBytes(listed.map(({ hash }) => hash))],
    );
    const free = new Set(locked.map(({ hash }) => hash));
    const { rows } = await sql.query<Doomed>(
      `update blocks.blocks b set state = 'deleting', object_versions = listed.versions
       from json_to_recordset($1) listed(hash bytea, versions text[])
       where b.block_hash = listed.hash and ${CONDEMNED} and ${UNLISTED}
       returning encode(b.block_hash, 'hex') as hash, b.object_versions as versions`,
      [toRecords(listed.filter(({ hash }) => free.has(hash)))],
    );
    return rows;
  });
}

/** Deletes object versions in the order given until the time is up. Answers how many of each block, by its hash. */
async function deleteVersions(doomed: readonly Doomed[], until: number): Promise<Map<string, number>> {
  const gone = new Map(doomed.map(({ hash }) => [hash, 0]));
  const objects = doomed.flatMap(({ hash, versions }) => versions.map((version) => ({ hash, version })));
  await pMap(
    objects,
    async ({ hash, version }) => {
      if (Date.now() >= until) return;
      await deleteObjectVersion(hash, version);
      gone.set(hash, gone.get(hash)! + 1);
    },
    { concurrency: CONCURRENCY },
  );
  return gone;
}

/**
 * Deletes what is on the lists of some blocks, those with the shortest first. Answers whether it got any further: what an
 * upload has locked meanwhile is left to the next run, and not asked for until then.
 */
async function shortenLists(blocks: Database, limit: number, until: number): Promise<boolean> {
  const { rows } = await blocks.query<Doomed>(
    `select encode(b.block_hash, 'hex') as hash, b.object_versions[1:${VERSIONS_PER_STEP}] as versions
     from blocks.blocks b where b.state = 'deleting' and b.delete_after < now() and not ${UNLISTED}
     order by cardinality(b.object_versions), b.delete_after limit $1`,
    [limit],
  );
  let chunk: Doomed[] = [];
  let size = 0;
  let struck = 0;
  const finish = async () => {
    const gone = await deleteVersions(chunk, until);
    struck += await strike(
      blocks,
      chunk.map(({ hash, versions }) => ({ hash, versions: versions.slice(0, gone.get(hash)) })),
    );
    [chunk, size] = [[], 0];
  };
  for (const { hash, versions } of rows) {
    for (let start = 0; start < versions.length; start += CHUNK) {
      if (Date.now() >= until) return true;
      const part = versions.slice(start, start + CHUNK);
      if (size + part.length > CHUNK) await finish();
      chunk.push({ hash, versions: part });
      size += part.length;
    }
  }
  if (size > 0) await finish();
  return struck > 0;
}

/**
 * Takes names off the lists that begin with them; another run may have done so, or an upload taken the block up. Answers
 * how many lists are shorter now.
 */
async function strike(blocks: Database, gone: readonly Doomed[]): Promise<number> {
  const { rowCount } = await blocks.query(
    `update blocks.blocks b set object_versions = b.object_versions[cardinality(held.versions) + 1:]
     from (
       select b.block_hash, gone.versions from blocks.blocks b
       join json_to_recordset($1) gone(hash bytea, versions text[]) on b.block_hash = gone.hash
       where b.state = 'deleting' and b.object_versions[1:cardinality(gone.versions)] = gone.versions
       for no key update of b skip locked) held
     where b.block_hash = held.block_hash`,
    [toRecords(gone)],
  );
  return rowCount ?? 0;
}

/** Removes the rows of blocks whose deletion is done, unless an upload took them up or another run removed them. */
async function removeRows(blocks: Database, doomed: readonly Doomed[]): Promise<number> {
  if (doomed.length === 0) return 0;
  const { rowCount } = await blocks.query(
    `delete from blocks.blocks where block_hash in (
       select b.block_hash from blocks.blocks b
       join json_to_recordset($1) gone(hash bytea, versions text[]) on b.block_hash = gone.hash
       where b.state = 'deleting' and b.object_versions = gone.versions for update of b skip locked)`,
    [toRecords(doomed)],
  );
  return rowCount ?? 0;
}

function toRecords(blocks: readonly Doomed[]): string {
  return JSON.stringify(blocks.map(({ hash, versions }) => ({ hash: byteaText(hash), versions })));
}
