import { DeltaError } from '../../codec/index.ts';
import { decodeContent } from '../../lambdas/shared/commit/content.ts';
import { listContents } from '../../lambdas/shared/tables/contents.ts';
import { lastCursor } from '../../protocol/changes.ts';
import type { FileChanged } from '../../protocol/file-changed.ts';
import { limits } from '../../protocol/limits.ts';
import { contents, hashes, users, type World } from './world.ts';

/** How many versions hold a block, by its hash. */
export type References = ReadonlyMap<string, number>;

interface BlockState {
  hash: string;
  state: string;
  objects: string;
  count: number;
}

function assert(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

const brief = (hash: string): string => hash.slice(0, 6);

async function findReferences(world: World): Promise<Map<string, number>> {
  const references = new Map<string, number>();
  for (const { sql, schema } of world.databases.shards) {
    const { rows } = await sql.query<{ hash: string; versions: number }>(
      `select encode(hash, 'hex') as hash, count(distinct version_id) as versions
       from ${schema}.file_versions, unnest(block_hashes) hash group by hash`,
    );
    for (const { hash, versions } of rows) references.set(hash, (references.get(hash) ?? 0) + versions);
  }
  return references;
}

async function findBlockStates(world: World): Promise<Map<string, BlockState>> {
  const { rows } = await world.databases.blocks.query<BlockState>(
    `select encode(block_hash, 'hex') as hash, state, objects, c.ref_count as count
     from blocks.blocks join blocks.counts c using (block_hash)`,
  );
  return new Map(rows.map((row) => [row.hash, row]));
}

/** What holds whenever no call is under way, whatever calls broke off before. */
export async function checkAlways(world: World, trace: string[]): Promise<References> {
  const references = await findReferences(world);
  const blocks = await findBlockStates(world);
  const inRows = await findWholeRows(world);
  trace.push(
    `    ${[...blocks.values()].map(({ hash, state, objects, count }) => `${brief(hash)} ${state} ${objects} ${count}/${references.get(hash) ?? 0}`).join(', ')}`,
  );
  const isKept = async (hash: string): Promise<boolean> => {
    const { state, objects } = blocks.get(hash) ?? {};
    const counts = objects === 'there' && (state === 'live' || state === 'condemned');
    return (!counts && inRows.has(hash)) || (await world.store.holds(hash));
  };
  for (const [hash, versions] of references) {
    const block = blocks.get(hash);
    assert(await isKept(hash), `I1: block ${brief(hash)} of ${versions} versions is not in the store`);
    const stored = block?.state === 'live' || block?.state === 'condemned';
    assert(stored, `I1: block ${brief(hash)} of ${versions} versions is ${block?.state ?? 'unknown'}`);
    assert(block!.count >= versions, `I2: block ${brief(hash)} has count ${block!.count}, but ${versions} versions`);
  }
  const { rows: pins } = await world.databases.blocks.query<{ hash: string }>(
    `select distinct encode(block_hash, 'hex') as hash from blocks.pins where verified and expires_at > now()`,
  );
  for (const { hash } of pins) {
    assert(await isKept(hash), `I3: block ${brief(hash)} is not in the store, though an upload counts on it`);
  }
  await checkShards(world);
  return references;
}

/** Blocks of which every row has the content, or its pack. Throws where what users have in rows is not what is booked. */
async function findWholeRows(world: World): Promise<Set<string>> {
  const { rows: places } = await world.databases.blocks.query<{ hash: string }>(
    `select distinct encode(block_hash, 'hex') as hash from blocks.contents`,
  );
  const rows = await listContents(
    world.databases.blocks,
    places.map(({ hash }) => hash),
  );
  const bad = new Set<string>();
  for (const { hash, encoded, part } of rows) {
    const size = contents[hashes.indexOf(hash)]!.length;
    const kept = part ? await world.store.read(part.pack, part) : encoded;
    await decodeContent({ encoded: kept }, hash, size).catch((error) => {
      if (!(error instanceof DeltaError)) throw error;
      bad.add(hash);
    });
  }
  const { rows: off } = await world.databases.blocks.query(
    `select from blocks.content_bytes b full join
       (select user_id, sum(octet_length(encoded)) as bytes from blocks.contents group by user_id) c using (user_id)
     where coalesce(b.bytes, 0) <> coalesce(c.bytes, 0)`,
  );
  assert(off.length === 0, 'I63: what a user has in rows is not what is booked');
  return new Set(rows.map(({ hash }) => hash).filter((hash) => !bad.has(hash)));
}

/** Blocks that are packs of contents. */
async function findPacks(world: World): Promise<Set<string>> {
  const { rows } = await world.databases.blocks.query<{ pack: string }>(
    `select distinct encode(pack_hash, 'hex') as pack from blocks.contents where pack_hash is not null`,
  );
  return new Set(rows.map(({ pack }) => pack));
}

/** What each shard says twice has to agree, since it is written in one transaction. */
async function checkShards(world: World): Promise<void> {
  for (const { sql, schema } of world.databases.shards) {
    const { rows } = await sql.query<{ what: string }>(
      `select 'I4: the blocks held are not those of the versions' as what from (
         select user_id, hash as block_hash, count(distinct version_id)::int as versions
         from ${schema}.file_versions, unnest(block_hashes) hash group by 1, 2) v
       full join ${schema}.held_blocks h using (user_id, block_hash) where v.versions is distinct from h.versions
       union all
       select 'I4: the used bytes are not those of the files' from ${schema}.accounts a
       where a.used_bytes <> (select coalesce(sum(size_bytes), 0) from ${schema}.files f
                              where f.user_id = a.user_id and f.deleted_at is null)
       union all
       select 'I22: the reserved bytes are not those of the open uploads' from ${schema}.accounts a
       where a.reserved_bytes <> (select coalesce(sum(reserved_bytes), 0) from ${schema}.upload_files f
                                  where f.user_id = a.user_id)
       union all
       select 'I4: the entries are not those of the tree' from ${schema}.accounts a
       where a.entries <> (select count(*) from ${schema}.files f where f.user_id = a.user_id and f.deleted_at is null)
       union all
       select 'I45: what is kept is not what is booked' from ${schema}.accounts a
       where a.kept_bytes <>
         (select coalesce(sum(greatest(size, ${limits.countedBytes})), 0) from (
            select distinct hash, size from ${schema}.file_versions v, unnest(v.block_hashes, v.block_sizes) b(hash, size)
            where v.user_id = a.user_id) held)
         + ${limits.countedBytes} * (select count(*) from ${schema}.file_versions v where v.user_id = a.user_id)
         + ${limits.countedBytes} * (select count(*) from ${schema}.directories d where d.user_id = a.user_id)
         + (select coalesce(sum(u.kept_bytes), 0) from ${schema}.uploads u where u.user_id = a.user_id)
       union all
       select 'I4: a file does not have the content of its newest version' from ${schema}.files f
       where deleted_at is null and not exists (
         select from ${schema}.file_versions v where v.file_id = f.file_id and v.version = f.version
           and v.path = f.path and v.block_hashes = f.block_hashes and v.superseded_at is null)
       union all
       select 'I8: the changes have a gap' from ${schema}.accounts a
       where a.change_seq - a.forgotten_seq <> (select count(*) from ${schema}.changes c where c.user_id = a.user_id)`,
    );
    assert(rows.length === 0, rows[0]?.what ?? '');
  }
}

/** What holds when everything has settled and the grace is over. */
export async function checkAtRest(world: World, stream: readonly FileChanged[], trace: string[]): Promise<void> {
  const references = await checkAlways(world, trace);
  const blocks = await findBlockStates(world);
  for (const { hash, count } of blocks.values()) {
    const versions = references.get(hash) ?? 0;
    assert(count === versions, `I2: block ${brief(hash)} has count ${count} at rest, but ${versions} versions`);
  }
  const inRows = await findWholeRows(world);
  const stored = [...world.store.hashes, ...inRows];
  const packs = await findPacks(world);
  const unreferenced = stored.filter((hash) => !references.has(hash) && !packs.has(hash)).map(brief);
  assert(unreferenced.length === 0, `I27: stored is ${unreferenced}, which is not referenced`);
  for (const { hash, objects } of blocks.values()) {
    const isThere = world.store.hashes.includes(hash);
    assert(
      objects === 'none' ? !isThere : objects !== 'there' || isThere,
      `I63: ${brief(hash)} has objects: ${objects}`,
    );
  }
  assert(blocks.size === references.size + packs.size, 'I27: blocks that nothing refers to have rows');
  const { rows } = await world.databases.blocks.query<{ what: string }>(
    `select 'I7: a pin is left' as what from blocks.pins
     union all select 'I2: a version is not settled' from blocks.ledger where state <> 'confirmed'`,
  );
  assert(rows.length === 0, rows[0]?.what ?? '');
  for (const [index, { sql, schema }] of world.databases.shards.entries()) {
    const left = await sql.query<{ what: string }>(
      `select 'I7: an upload is left' as what from ${schema}.uploads
       union all select 'I7: bytes are still reserved' from ${schema}.accounts where reserved_bytes <> 0
       union all select 'the outbox holds an event' from ${schema}.outbox
       union all select 'I27: an old version is left' from ${schema}.file_versions where superseded_at is not null`,
    );
    assert(left.rows.length === 0, left.rows[0]?.what ?? '');
    const account = await sql.query<{ last: number }>(`select change_seq as last from ${schema}.accounts`);
    checkEvents(
      stream.filter(({ user_id }) => user_id === users[index]),
      account.rows[0]!.last,
    );
  }
  const ledger = await world.databases.blocks.query<{ entries: number }>(
    'select count(*) as entries from blocks.ledger',
  );
  const versions = await countVersions(world);
  assert(
    ledger.rows[0]!.entries === versions,
    `I2: the ledger has ${ledger.rows[0]!.entries} versions, not ${versions}`,
  );
}

async function countVersions(world: World): Promise<number> {
  let total = 0;
  for (const { sql, schema } of world.databases.shards) {
    const { rows } = await sql.query<{ total: number }>(
      `select count(*) as total from ${schema}.file_versions where cardinality(block_hashes) > 0`,
    );
    total += rows[0]!.total;
  }
  return total;
}

/** Each of a user's changes became an event; seen for the first time, they are in order. */
function checkEvents(events: readonly FileChanged[], last: number): void {
  let seen = 0;
  for (const event of events) {
    assert(event.cursor <= seen + 1, `I9: event ${event.cursor} came before ${seen + 1}`);
    seen = Math.max(seen, lastCursor(event));
  }
  assert(seen === last, `I9: ${last} changes were made, ${seen} became events`);
}
