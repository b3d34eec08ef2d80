import { pathsWithin, type Tree } from '../plan/tree.ts';
import type { State } from '../state/state.ts';
import type { Twin } from './spelling.ts';

/**
 * What the disk does not tell apart from another entry. Only one of two such names can lie here; the other one is
 * listed, and its absence is no deletion.
 */
export class Twins {
  readonly #state: State;
  /** By the path that cannot lie here: the one that does, and whether that was seen. */
  readonly #apart = new Map<string, { readonly spelled: string; met: boolean }>();

  constructor(state: State) {
    this.#state = state;
  }

  /** Those whose place is free by now. */
  withRoom(): string[] {
    const free: string[] = [];
    for (const [path, place] of this.#apart) {
      const isHere = this.#state.trees.local.has(place.spelled);
      if (place.met && !isHere) free.push(path);
      place.met = isHere;
    }
    for (const path of free) this.#apart.delete(path);
    return free;
  }

  /**
   * Why this path cannot be synced here; `undefined` for one that is only an old or a wrong spelling. A path that
   * cannot is forgotten as what this disk held, so that it comes back once there is room.
   */
  judge({ path, spelled }: Twin): string | undefined {
    const state = this.#state;
    const { local, remote, synced } = state.trees;
    const renamed = local.has(path) && ![local, remote, synced].some((tree) => tree.has(spelled));
    if (renamed || mayRespell(state, { path, spelled })) return undefined;
    if (![local, remote, synced].some((tree) => holds(tree, path))) return undefined;
    this.#apart.set(path, { spelled, met: false });
    for (const tree of ['local', 'synced'] as const) {
      for (const at of pathsWithin(state.trees[tree], path)) state.remove(tree, at);
    }
    return `differs only in spelling from ${spelled}, and this disk takes both for one: rename one of them on a device that holds both`;
  }
}

/** Whether the entry here is to have the other spelling: it was renamed elsewhere, or both were made at once. */
export function mayRespell(state: State, { path, spelled }: Twin): boolean {
  const { local, remote } = state.trees;
  return holds(remote, path) && local.has(spelled) && !holds(remote, spelled);
}

function holds(tree: Tree<unknown>, path: string): boolean {
  return tree.has(path) || pathsWithin(tree, path).length > 0;
}
