import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { CommitResult } from '../../protocol/commit.ts';
import type { ItemError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { MoveRequest } from '../../protocol/move.ts';
import { ancestors, isInside, pathProblem } from '../../protocol/path.ts';
import { treeHashes } from '../../protocol/tree-hash.ts';
import { itemError, Refusal, staleVersion } from '../shared/answers/errors.ts';
import { commitCounted } from '../shared/commit/commit-counted.ts';
import { toEvent } from '../shared/commit/event.ts';
import { nameOfCall } from '../shared/commit/idempotent.ts';
import { reuseBlocks } from '../shared/commit/references.ts';
import { keptBytes } from '../shared/commit/room.ts';
import { otherTimeline } from '../shared/commit/timeline.ts';
import { blocksOf, changedDirectories, usedBefore } from '../shared/commit/write-commits.ts';
import type { Databases } from '../shared/database/database.ts';
import { toHexes, versionId } from '../shared/database/ids.ts';
import type { Namespace } from '../shared/database/rows.ts';
import { type Account, changeBounds } from '../shared/tables/accounts.ts';
import { bookCommits } from '../shared/tables/book-commits.ts';
import { insertFolderChanges } from '../shared/tables/changes.ts';
import {
  type FolderRow,
  findObstacles,
  findTargets,
  isWholeFolder,
  listFolder,
  moveFolderFiles,
  sizeOfFolder,
} from '../shared/tables/files.ts';
import { insertEvents } from '../shared/tables/outbox.ts';
import { highestVersion, insertMovedVersions, supersedeVersions } from '../shared/tables/versions.ts';
import { changedMeanwhile, intoItself, isFile, isTaken, leftBehind, toItself } from './refusals.ts';
import { requireRoom } from './require-room.ts';

type Move = MoveRequest['moves'][number];

/** An entry of the folder, and the version that it becomes. */
interface Entry extends FolderRow {
  readonly to: string;
  readonly hashes: readonly string[];
  readonly versionId: string;
}

/**
 * Moves a directory with all that is in it, if that is what the device knows of it, by a statement per table. Read before
 * the lock, so that its blocks are counted by then; under the lock, all of it has to be as it was read.
 */
export async function moveFolder(
  databases: Databases,
  namespace: Namespace<Databases['blocks']>,
  call: MoveRequest & { readonly kind: 'move' },
  move: Move,
): Promise<CommitResult[]> {
  const entries = await readEntries(namespace, call, move);
  const directories = directoriesOf(entries);
  await requireRoom(namespace, entries.length);
  const isKnown = hashOf(entries, move.from) === move.tree_hash;
  const versions = entries.map(({ versionId, hashes }) => ({ versionId, namespaceId: namespace.id, hashes }));
  const counted = isKnown ? await reuseBlocks(databases.blocks, versions) : new Set<string>();
  return await commitCounted(
    databases.blocks,
    namespace,
    { call, counted: [...counted] },
    async (namespace, account) => {
      const error =
        otherTimeline(account, call.timeline) ??
        (await refusal(namespace, move, entries)) ??
        (isKnown ? undefined : leftBehind) ??
        (counted.size < entries.length ? changedMeanwhile : undefined);
      if (error) return [{ path: move.to, error }];
      return [await writeFolder(namespace, account, { move, entries, directories, deviceId: call.device_id })];
    },
  );
}

async function readEntries(
  namespace: Namespace,
  call: MoveRequest & { readonly kind: 'move' },
  { from, to }: Move,
): Promise<Entry[]> {
  const { entriesPerFolder, blocksPerFolder } = limits;
  const size = await sizeOfFolder(namespace, from);
  if (size.entries > entriesPerFolder || size.blocks > blocksPerFolder) {
    const most = `${entriesPerFolder} entries, or ${blocksPerFolder} blocks`;
    throw new Refusal('limit_exceeded', `the directory holds more than ${most}: move what is in it`);
  }
  const rows = await listFolder(namespace, from);
  const made = { kind: 'move', id: nameOfCall(call) } as const;
  return rows.map((row, position) => {
    const path = to + row.path.slice(from.length);
    const hashes = [...new Set(toHexes(row.block_hashes))];
    return { ...row, to: path, hashes, versionId: versionId(namespace.id, made, { position, path, hashes }) };
  });
}

/** The directories that the move changes; refuses one of more than entries and their own directories are. */
function directoriesOf(entries: readonly Entry[]): string[] {
  const directories = changedDirectories(entries.map(({ path, to, kind }) => ({ path: to, movedFrom: path, kind })));
  const most = 2 * (limits.entriesPerFolder + limits.pathSegments);
  if (directories.length <= most) return directories;
  throw new Refusal('limit_exceeded', `the move changes more than ${most} directories: move what is in it`);
}

/** The recursive hash of the directory. */
function hashOf(entries: readonly Entry[], from: string): string | undefined {
  const tree = entries.map(({ path, kind, version, block_hashes }) => {
    return [path, { kind, version, hashes: toHexes(block_hashes) }] as const;
  });
  return treeHashes(tree, (text) => createHash('sha256').update(text).digest('hex')).get(from);
}

/** Why the folder cannot move, as things are under the lock. */
async function refusal(
  namespace: Namespace<PoolClient>,
  { from, to, base_version }: Move,
  entries: readonly Entry[],
): Promise<ItemError | undefined> {
  const targets = await findTargets(namespace, [from, to]);
  const current = targets.get(from)!.version ?? 0;
  if (current !== base_version) return staleVersion(current);
  if (from === to) return toItself;
  if (isInside(to, from)) return intoItself;
  if (targets.get(to)!.kind !== null) return isTaken(to);
  const { files, parents } = await findObstacles(namespace, { places: [to], above: ancestors(to), except: [] });
  if (files[0] !== undefined) return isFile(files[0]);
  if (parents.length > 0) return isTaken(to);
  for (const entry of entries) {
    const problem = pathProblem(entry.to);
    if (problem) return itemError('limit_exceeded', `a path in the directory ${problem} under the new name`);
  }
  return (await isWholeFolder(namespace, from, entries)) ? undefined : leftBehind;
}

interface Planned {
  readonly move: Move;
  readonly entries: readonly Entry[];
  readonly directories: readonly string[];
  readonly deviceId: string;
}

/** Writes the move with all that follows from it, as `writeCommits` does for single versions. */
async function writeFolder(
  namespace: Namespace<PoolClient>,
  account: Account,
  { move: { from, to }, entries, directories, deviceId }: Planned,
): Promise<CommitResult> {
  const { forgotten_seq: forgotten } = await changeBounds(namespace);
  const known = entries.reduce((highest, { version }) => Math.max(highest, version), 0);
  const version = Math.max(known, await highestVersion(namespace, to), forgotten) + 1;
  const fileIds = entries.map(({ file_id }) => file_id);
  const versionIds = entries.map(({ versionId }) => versionId);
  const cursor = account.change_seq + 1;

  await supersedeVersions(namespace, fileIds);
  await moveFolderFiles(namespace, { from, to, version });
  const made = await insertMovedVersions(namespace, { fileIds, versionIds }, deviceId);
  if (made !== entries.length) throw usedBefore();
  await insertFolderChanges(namespace, versionIds, { from, to, first: cursor });
  const folder = entries.find(({ path }) => path === from)!;
  await insertEvents(namespace, [
    toEvent(
      {
        versionId: folder.versionId,
        path: to,
        version,
        changeType: 'move',
        movedFrom: from,
        hashes: [],
        entries: entries.length,
      },
      { namespaceId: namespace.id, deviceId, timestamp: account.now, cursor },
    ),
  ]);

  await bookCommits(
    namespace,
    entries.flatMap(({ block_hashes, block_sizes }) => blocksOf({ hashes: toHexes(block_hashes), sizes: block_sizes })),
    directories,
    {
      used: 0,
      entries: 0,
      reserved: 0,
      kept: entries.length * keptBytes(0),
      changes: entries.length,
    },
  );
  return { path: to, version, version_id: folder.versionId, cursor, entries: entries.length };
}
