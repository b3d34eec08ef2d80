import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { CommitResult } from '../../protocol/commit.ts';
import type { ItemError } from '../../protocol/errors.ts';
import type { RestoreRequest } from '../../protocol/restore.ts';
import { itemError, Refusal } from '../shared/answers/errors.ts';
import { commitCounted } from '../shared/commit/commit-counted.ts';
import { earlierAnswer, nameOfCall } from '../shared/commit/idempotent.ts';
import { directoryRefusals, pathConflicts, refusal } from '../shared/commit/path-rules.ts';
import { reuseBlocks } from '../shared/commit/references.ts';
import { keptBytes, roomOf, take } from '../shared/commit/room.ts';
import { type Commit, writeCommits } from '../shared/commit/write-commits.ts';
import type { Databases } from '../shared/database/database.ts';
import { toHexes, versionId } from '../shared/database/ids.ts';
import { type Namespace, ownNamespace, personOf } from '../shared/database/rows.ts';
import { type Account, quotaOf } from '../shared/tables/accounts.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findTargets, type Target } from '../shared/tables/files.ts';
import { findVersions, type VersionRow } from '../shared/tables/versions.ts';

/** One file of the call: where its old content goes, and under which id. */
interface Item {
  path: string;
  baseVersion: number;
  id: string;
  /** Absent when there is no such version, or its blocks are being deleted. */
  old: VersionRow | undefined;
}

const notFound = itemError(
  'not_found',
  'there is no such version of this path, or it is no longer kept: see its history',
);

/**
 * Makes the content of old versions the newest of the files that are, or were last, at their paths; new files where
 * none were. Each file commits or is refused alone, all in one transaction.
 */
export async function restoreVersions(
  databases: Databases,
  userId: string,
  request: RestoreRequest,
): Promise<CommitResult[]> {
  const { device_id: deviceId, files } = request;
  const paths = files.map(({ path }) => path);
  if (new Set(paths).size < paths.length) throw new Refusal('bad_request', 'a path comes twice in this call');
  const person = personOf(databases, userId);
  const namespace = ownNamespace(person);
  await requireDevice(person, deviceId);
  const call = { kind: 'restore', ...request } as const;
  const before = await earlierAnswer(namespace, call);
  if (before) return before;
  const names = files.map(({ path, version, from }) => ({ path: from ?? path, version }));
  const versions = await findVersions(namespace, names);
  const name = nameOfCall(call);
  const named = files.map(({ path, base_version: baseVersion }, position): Item => {
    const old = versions[position]?.change_type === 'delete' ? undefined : versions[position];
    const hashes = toHexes(old?.block_hashes ?? []);
    const id = versionId(namespace.id, { kind: 'restore', id: name }, { position, path, hashes });
    return { path, baseVersion, id, old };
  });
  const items = await countBlocks(databases, namespace.id, named);

  const counted = items.filter(({ old }) => old).map(({ id }) => id);
  return await commitCounted(databases.blocks, namespace, { call, counted }, async (namespace, account) => {
    const targets = await findTargets(namespace, paths);
    const refused = await refusals(namespace, items, targets, account);
    const commits = items
      .filter(({ path }) => !refused.has(path))
      .map((item) => toCommit(item, item.old!, targets.get(item.path)!));
    const cursors = await writeCommits(namespace, account, { deviceId }, commits);
    const done = new Map(commits.map(({ path, version }, index) => [path, { version, cursor: cursors[index]! }]));
    return items.map(({ path, id }): CommitResult => {
      const made = done.get(path);
      return made ? { path, version_id: id, ...made } : { path, error: refused.get(path)! };
    });
  });
}

/** Counts the blocks of the versions to be made; leaves out the content of those that cannot be. */
async function countBlocks({ blocks }: Databases, namespaceId: string, items: readonly Item[]): Promise<Item[]> {
  const counted = await reuseBlocks(
    blocks,
    items.flatMap(({ id, old }) =>
      old ? [{ versionId: id, namespaceId, hashes: [...new Set(toHexes(old.block_hashes))] }] : [],
    ),
  );
  return items.map((item) => (counted.has(item.id) ? item : { ...item, old: undefined }));
}

/** By path: why a file cannot be restored. Space is given in the order of the call. */
async function refusals(
  namespace: Namespace<PoolClient>,
  items: readonly Item[],
  targets: ReadonlyMap<string, Target>,
  account: Account,
): Promise<Map<string, ItemError>> {
  const appearing = items.flatMap(({ path, old }) =>
    old && targets.get(path)!.file_id === null ? [{ path, kind: old.kind }] : [],
  );
  const conflicts = await pathConflicts(namespace, appearing);
  const room = roomOf(account, quotaOf(account));
  const refused = new Map<string, ItemError>();
  const tooMany = directoryRefusals(items.map(({ path }) => [path]));
  for (const [position, { path, baseVersion, old }] of items.entries()) {
    const target = targets.get(path)!;
    const need = {
      quota: Math.max(0, (old?.size_bytes ?? 0) - (target.size_bytes ?? 0)),
      kept: keptBytes(0),
      entries: target.file_id === null ? 1 : 0,
    };
    const error = old
      ? (refusal({ path, kind: old.kind, baseVersion }, target, conflicts) ?? tooMany.get(position) ?? take(room, need))
      : notFound;
    if (error) refused.set(path, error);
  }
  return refused;
}

function toCommit({ path, id }: Item, old: VersionRow, target: Target): Commit {
  const again = target.deleted_kind === old.kind ? target.deleted_file_id : null;
  return {
    versionId: id,
    fileId: target.file_id ?? again ?? randomUUID(),
    version: Math.max(target.version ?? 0, target.last_version) + 1,
    changeType: target.file_id === null ? 'create' : 'update',
    path,
    kind: old.kind,
    hashes: toHexes(old.block_hashes),
    sizes: old.block_sizes,
    size: old.size_bytes,
    mtimeMs: old.mtime_ms,
    mode: old.mode,
    replacedBytes: target.size_bytes ?? 0,
  };
}
