import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import { parentOf } from '../../../protocol/path.ts';
import { toBytes } from '../database/ids.ts';
import type { Namespace } from '../database/rows.ts';
import { type AccountChange, updateAccount } from './accounts.ts';
import { forgetTreeHashes } from './directories.ts';
import { holdBlocks } from './held-blocks.ts';

/** A block, once for each new version that uses it. */
export interface UsedBlock {
  readonly hash: string;
  readonly size: number;
}

/**
 * Books commits: counts the blocks that they use, marks the directories that they change, the root as '', to be hashed
 * anew, and adds all of it to the account, with what blocks and directories take up that the namespace did not have. One
 * statement, as `writeVersions`; needs the account's lock.
 */
export async function bookCommits(
  namespace: Namespace<PoolClient>,
  used: readonly UsedBlock[],
  changed: readonly string[],
  change: AccountChange,
): Promise<void> {
  await namespace.sql.query(
    `with used as materialized (select * from unnest($2::bytea[], $3::int[]) used(block_hash, size)),
     changed as (select * from unnest($4::text[], $5::text[]) changed(path, parent)),
     held as (${holdBlocks(namespace)}),
     directories as (${forgetTreeHashes(namespace)}),
     taken as (
       select (select coalesce(sum(greatest(size, ${limits.countedBytes})), 0) from held
               join (select block_hash, max(size) as size from used group by block_hash) sizes using (block_hash)
               where fresh)
         + ${limits.countedBytes} * (select count(*) from directories where fresh) as kept)
     ${updateAccount(namespace)}`,
    [
      namespace.id,
      toBytes(used.map(({ hash }) => hash)),
      used.map(({ size }) => size),
      changed,
      changed.map((path) => (path === '' ? null : parentOf(path))),
      change.used,
      change.reserved,
      change.kept,
      change.entries,
      change.changes,
    ],
  );
}
