import { createHash } from 'node:crypto';
import { toHexes } from '../../lambdas/shared/database/ids.ts';
import { isWithin } from '../../protocol/path.ts';
import { treeHashes } from '../../protocol/tree-hash.ts';
import { Answers, type Call, deviceOf, offer, type Upload } from './client.ts';
import { type Action, newFolder, paths } from './scenario.ts';
import { contents, hashes, users, type World } from './world.ts';

/** What a device knows about a path. */
export interface Known {
  version: number;
  kind: 'file' | 'directory';
  hashes: string[];
  newest: number;
}

/** What a device knows that has read all. */
export async function knownOf(world: World, user: number): Promise<Map<string, Known>> {
  const userId = users[user]!;
  const { sql, schema } = world.databases.shardOf(userId);
  const { rows } = await sql.query<Omit<Known, 'hashes'> & { path: string; hashes: Buffer[] | null }>(
    `select path, coalesce(f.version, 0) as version, f.kind, f.block_hashes as hashes, newest
     from (select path, max(version) as newest from ${schema}.file_versions where user_id = $1 group by path) v
     left join (select * from ${schema}.files where user_id = $1 and deleted_at is null) f using (path)`,
    [userId],
  );
  return new Map(rows.map(({ path, hashes, ...known }) => [path, { ...known, hashes: toHexes(hashes ?? []) }]));
}

/** The requests that a scenario's actions make of what a device knows. */
export class Requests {
  readonly #world: World;
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  copy(): Requests {
    const copy = new Requests(this.#world);
    copy.#count = this.#count;
    return copy;
  }

  upload(action: Action & { do: 'upload' | 'save' }, tree: Map<string, Known>): Upload {
    const { user, device, files, stale } = action;
    const delta = action.do === 'upload' && action.delta;
    const known = (path: number) => tree.get(paths[path]!);
    const base = known(files[0]!.path)?.hashes[0];
    return {
      user,
      base: base === undefined ? undefined : contents[hashes.indexOf(base)],
      asked: undefined,
      answers: new Answers(this.#world.hours),
      request: {
        upload_id: this.#newId(),
        device_id: deviceOf(device),
        files: files.map(({ path, blocks }, index) => {
          const version = known(path)?.version ?? 0;
          return offer(
            paths[path]!,
            blocks,
            stale ? Math.max(0, version - 1) : version,
            delta && index === 0 && !stale,
          );
        }),
      },
    };
  }

  call(action: Action & { do: 'delete' | 'move' | 'restore' }, tree: Map<string, Known>): Call | undefined {
    const { user } = action;
    const common = { request_id: this.#newId(), device_id: deviceOf(0) };
    const answers = new Answers(this.#world.hours);
    const path = paths[action.do === 'move' ? action.from : action.path]!;
    const base_version = tree.get(path)?.version ?? 0;
    if (action.do === 'restore') {
      const version = (tree.get(path)?.newest ?? 0) - action.version;
      if (version < 1) return undefined;
      return { user, answers, kind: 'restore', request: { ...common, files: [{ path, version, base_version }] } };
    }
    if (base_version === 0) return undefined;
    if (action.do === 'move') {
      const to = paths[action.to]!;
      return { user, answers, kind: 'move', request: { ...common, moves: [{ from: path, to, base_version }] } };
    }
    return { user, answers, kind: 'delete', request: { ...common, files: [{ path, base_version }] } };
  }

  moveFolder({ user }: Action & { do: 'moveFolder' }, tree: Map<string, Known>): Call | undefined {
    const from = 'dir';
    const { version: base_version = 0 } = tree.get(from) ?? {};
    if (base_version === 0) return undefined;
    const inside = [...tree].filter(([path, { version }]) => version > 0 && isWithin(path, from));
    const tree_hash = treeHashes(inside, (text) => createHash('sha256').update(text).digest('hex')).get(from)!;
    const moves = [{ from, to: newFolder, base_version, tree_hash }];
    const request = { request_id: this.#newId(), device_id: deviceOf(0), moves };
    return { user, answers: new Answers(this.#world.hours), kind: 'move', request };
  }

  #newId(): string {
    const hex = createHash('sha256')
      .update(`request ${this.#count++}`)
      .digest('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }
}
