import type { PoolClient } from 'pg';
import type { CommitResult } from '../../protocol/commit.ts';
import type { ItemError } from '../../protocol/errors.ts';
import { type MoveRequest, movePathBytes } from '../../protocol/move.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { commitCounted } from '../shared/commit/commit-counted.ts';
import { earlierAnswer, nameOfCall } from '../shared/commit/idempotent.ts';
import { demandShortPaths } from '../shared/commit/path-rules.ts';
import { reuseBlocks } from '../shared/commit/references.ts';
import { otherTimeline } from '../shared/commit/timeline.ts';
import { type Commit, writeCommits } from '../shared/commit/write-commits.ts';
import type { Databases } from '../shared/database/database.ts';
import { toHexes, versionId } from '../shared/database/ids.ts';
import { type Namespace, ownNamespace, personOf } from '../shared/database/rows.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findTargets } from '../shared/tables/files.ts';
import { findVersions, type VersionRow } from '../shared/tables/versions.ts';
import { moveFolder } from './folder.ts';
import { planMoves } from './plan.ts';
import { requireRoom } from './require-room.ts';

interface Source {
  row: VersionRow;
  versionId: string;
}

/**
 * Renames files and directories in the order given, all in one transaction. The new versions hold the same blocks, so
 * their counts rise first, as for any version, and fall again for those that were refused.
 */
export async function moveFiles(databases: Databases, userId: string, request: MoveRequest): Promise<CommitResult[]> {
  const { device_id: deviceId, timeline, moves } = request;
  if (new Set(moves.map(({ from }) => from)).size < moves.length) {
    throw new Refusal('bad_request', 'a path is moved twice in this call');
  }
  demandShortPaths(moves.map(movePathBytes));
  const folder = moves.find(({ tree_hash }) => tree_hash !== undefined);
  if (folder && moves.length > 1) throw new Refusal('bad_request', 'a directory with its hash is alone in its call');
  const person = personOf(databases, userId);
  const namespace = ownNamespace(person);
  await requireDevice(person, deviceId);
  const call = { kind: 'move', ...request } as const;
  const before = await earlierAnswer(namespace, call);
  if (before) return before;
  if (folder) return await moveFolder(databases, namespace, call, folder);
  await requireRoom(namespace, moves.length);
  const sources = await findSources(namespace, call);
  const counted = await reuseBlocks(
    databases.blocks,
    [...sources.values()].map(({ row, versionId }) => ({
      versionId,
      namespaceId: namespace.id,
      hashes: [...new Set(toHexes(row.block_hashes))],
    })),
  );
  return await commitCounted(
    databases.blocks,
    namespace,
    { call, counted: [...counted] },
    async (namespace, account) => {
      const other = otherTimeline(account, timeline);
      if (other) return moves.map(({ to }) => ({ path: to, error: other }));
      const made = await plan(namespace, moves, (position) => {
        const source = sources.get(position);
        return source && counted.has(source.versionId) ? source : undefined;
      });
      const commits = made.flatMap((item) => ('commit' in item ? [item.commit] : []));
      const cursors = await writeCommits(namespace, account, { deviceId }, commits);
      const cursorOf = new Map(commits.map(({ versionId }, index) => [versionId, cursors[index]!]));
      return made.map((item, index): CommitResult => {
        if ('error' in item) return { path: moves[index]!.to, error: item.error };
        const { path, version, versionId: id } = item.commit;
        return { path, version, version_id: id, cursor: cursorOf.get(id)! };
      });
    },
  );
}

/** The versions to move, by position, as they are before the lock; the compare-and-swap finds those that changed. */
async function findSources(namespace: Namespace, call: MoveRequest & { kind: 'move' }): Promise<Map<number, Source>> {
  const names = call.moves.map(({ from, base_version }) => ({ path: from, version: base_version }));
  const rows = await findVersions(namespace, names);
  const name = nameOfCall(call);
  return new Map(
    rows.flatMap((row, position) => {
      if (!row) return [];
      const made = { position, path: call.moves[position]!.to, hashes: toHexes(row.block_hashes) };
      return [[position, { row, versionId: versionId(namespace.id, { kind: 'move', id: name }, made) }] as const];
    }),
  );
}

async function plan(
  namespace: Namespace<PoolClient>,
  moves: MoveRequest['moves'],
  sourceOf: (position: number) => Source | undefined,
): Promise<({ commit: Commit } | { error: ItemError })[]> {
  const paths = [...new Set(moves.flatMap(({ from, to }) => [from, to]))];
  const targets = await findTargets(namespace, paths);
  const countedMoves = new Set(
    moves.flatMap(({ from }, position) =>
      sourceOf(position)?.row.file_id === targets.get(from)!.file_id ? [position] : [],
    ),
  );
  const refused = await planMoves(namespace, moves, targets, countedMoves);
  return moves.map(({ from, to, base_version }, position) => {
    const error = refused.get(position);
    if (error) return { error };
    const target = targets.get(from)!;
    const source = sourceOf(position)!;
    return {
      commit: {
        versionId: source.versionId,
        fileId: target.file_id!,
        version: Math.max(base_version, targets.get(to)!.last_version) + 1,
        changeType: 'move',
        path: to,
        movedFrom: from,
        kind: target.kind!,
        hashes: toHexes(source.row.block_hashes),
        sizes: source.row.block_sizes,
        size: source.row.size_bytes,
        mtimeMs: source.row.mtime_ms,
        mode: source.row.mode,
        replacedBytes: source.row.size_bytes,
      },
    };
  });
}
