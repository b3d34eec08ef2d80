import type { CommitResult } from '../../protocol/commit.ts';
import { type DeleteRequest, deletePathBytes } from '../../protocol/delete.ts';
import type { ItemError } from '../../protocol/errors.ts';
import { itemError, Refusal, staleVersion } from '../shared/answers/errors.ts';
import { answerOnce } from '../shared/commit/idempotent.ts';
import { demandShortPaths, directoryRefusals } from '../shared/commit/path-rules.ts';
import { otherTimeline } from '../shared/commit/timeline.ts';
import { type Commit, writeCommits } from '../shared/commit/write-commits.ts';
import { within } from '../shared/database/database.ts';
import { versionId } from '../shared/database/ids.ts';
import { type Database, ownNamespace, type Person } from '../shared/database/rows.ts';
import { lockAccount } from '../shared/tables/accounts.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { filterParents, findTargets, type Target } from '../shared/tables/files.ts';

type Item = DeleteRequest['files'][number];

const notEmpty = itemError('path_conflict', 'the directory is not empty: delete what is in it too, or keep it');

/** Takes paths out of the tree. A directory goes only when everything in it goes in the same call, or has gone. */
export async function deleteFiles(person: Person<Database>, request: DeleteRequest): Promise<CommitResult[]> {
  const { request_id: requestId, device_id: deviceId, timeline, files } = request;
  const paths = files.map(({ path }) => path);
  if (new Set(paths).size < paths.length) throw new Refusal('bad_request', 'a path comes twice in this call');
  demandShortPaths(files.map(deletePathBytes));
  return await within(person, async (person) => {
    const namespace = ownNamespace(person);
    const account = await lockAccount(namespace);
    await requireDevice(person, deviceId);
    return await answerOnce(namespace, { kind: 'delete', ...request }, async () => {
      const other = otherTimeline(account, timeline);
      if (other) return paths.map((path) => ({ path, error: other }));
      const targets = await findTargets(namespace, paths);
      const tooMany = directoryRefusals(files.map(({ path }) => [path]));
      const current = files.filter(
        ({ path, base_version }, position) => targets.get(path)!.version === base_version && !tooMany.has(position),
      );
      const leaving = current.map(({ path }) => path);
      const directories = leaving.filter((path) => targets.get(path)!.kind === 'directory');
      const blocked = new Set(await filterParents(namespace, directories, leaving));

      const commits = files.flatMap((item, position): Commit[] => {
        const target = targets.get(item.path)!;
        if (target.version !== item.base_version || tooMany.has(position) || blocked.has(item.path)) return [];
        const place = { position, path: item.path, hashes: [] };
        return [tombstone(target, versionId(namespace.id, { kind: 'delete', id: requestId }, place))];
      });
      const cursors = await writeCommits(namespace, account, { deviceId }, commits);
      const done = new Map(commits.map((commit, index) => [commit.path, { commit, cursor: cursors[index]! }]));
      return files.map((item, position): CommitResult => {
        const made = done.get(item.path);
        if (!made) return { path: item.path, error: refusal(item, targets.get(item.path)!, tooMany.get(position)) };
        const { version, versionId: id } = made.commit;
        return { path: item.path, version, version_id: id, cursor: made.cursor };
      });
    });
  });
}

function refusal({ base_version }: Item, { version }: Target, tooMany: ItemError | undefined): ItemError {
  return version === base_version ? (tooMany ?? notEmpty) : staleVersion(version ?? 0);
}

function tombstone(target: Target, id: string): Commit {
  return {
    versionId: id,
    fileId: target.file_id!,
    version: target.version! + 1,
    changeType: 'delete',
    path: target.path,
    kind: target.kind!,
    hashes: [],
    sizes: [],
    size: 0,
    mtimeMs: 0,
    mode: 0,
    replacedBytes: target.size_bytes!,
  };
}
