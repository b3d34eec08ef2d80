import pMap from 'p-map';
import type { Database } from '../shared/database/rows.ts';
import { deleteObjectVersion, listObjectVersions } from '../shared/store/block-store.ts';
import {
  condemnBlocks,
  type Doomed,
  doomBlocks,
  listDoomed,
  listUnlisted,
  removeDoomed,
  strikeVersions,
  type Unlisted,
} from '../shared/tables/unused-blocks.ts';
import { repack } from './repack.ts';

const CONCURRENCY = 16;
/** Blocks with more object versions, which several uploads at once do not make, wait until no other block is due. */
const FEW_VERSIONS = 16;
/** Object versions of such a block that one step deletes at most, before it turns to the next block. */
const VERSIONS_PER_STEP = 1000;
/** Object versions that are deleted before their names come off the lists. */
const CHUNK = 128;

/**
 * Collects some blocks: live -> condemned, then condemned, pending or quarantined -> deleting with object versions that
 * are there now, then those versions are deleted, then the rows. Each change of state is a short transaction that locks
 * first and asks then whether the block is unused, by a statement that sees all who held it before. A run that stops
 * anywhere is continued by the next. An upload in between revives the block, or makes an object version that is not on
 * the list and stays. Where the store can have no object, it is not asked. A pack of which little is left is replaced by
 * a smaller one, and collected in its turn.
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
  const condemned = await condemnBlocks(blocks, limit);
  const unlisted = await listUnlisted(blocks, limit);
  const list = async (block: Unlisted) => ({
    ...block,
    ...(block.bare ? { versions: [], more: false } : await listObjectVersions(block.hash)),
  });
  const listed = await pMap(unlisted, list, { concurrency: CONCURRENCY });
  const whole = new Set(listed.flatMap(({ hash, more }) => (more ? [] : [hash])));
  const doomed = await doomBlocks(blocks, listed);
  const few = doomed.filter(({ hash, versions }) => whole.has(hash) && versions.length <= FEW_VERSIONS);
  const gone = await deleteVersions(few, until);
  const { removed: deleted, packs } = await removeDoomed(
    blocks,
    few.filter(({ hash, versions }) => gone.get(hash) === versions.length),
  );
  await repack(blocks, packs, until);
  // What lay in a pack may have been the last that kept it.
  if (unlisted.length === limit || packs.length > 0) return { condemned, deleted, more: true };
  return { condemned, deleted, more: await shortenLists(blocks, limit, until) };
}

/** Deletes object versions in the order given until the time is up. Returns how many of each block, by its hash. */
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
 * Deletes what is on the lists of some blocks, those with the shortest first. Returns whether it got any further: what an
 * upload has locked meanwhile is left to the next run, and not asked for until then.
 */
async function shortenLists(blocks: Database, limit: number, until: number): Promise<boolean> {
  const rows = await listDoomed(blocks, { limit, versions: VERSIONS_PER_STEP });
  let chunk: Doomed[] = [];
  let size = 0;
  let struck = 0;
  const finish = async () => {
    const gone = await deleteVersions(chunk, until);
    struck += await strikeVersions(
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
