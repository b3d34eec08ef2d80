import { createHash } from 'node:crypto';
import { Answers, type Call, deviceOf, offer, type Upload } from './client.ts';
import { type Action, paths } from './scenario.ts';
import { contents, hashes, type World } from './world.ts';

/** What a device knows about a path. */
export interface Known {
  version: number;
  firstBlock: string | undefined;
  newest: number;
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
    const base = known(files[0]!.path)?.firstBlock;
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

  #newId(): string {
    const hex = createHash('sha256')
      .update(`request ${this.#count++}`)
      .digest('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }
}
