import { ancestors, isInside, isWithinAny } from '../../protocol/path.ts';
import { type Operation, pathsOf, type Step } from './operation.ts';
import { fileAbove, pathsWithinAny, type Trees } from './tree.ts';

type FolderMove = Step<'moveLocal'>;

interface FolderMoveOptions {
  readonly blocked: (path: string) => boolean;
  /** Whether what is not synced in a directory may get another name together with it. */
  readonly goesAlong: (from: string, to: string) => boolean;
  /** Paths that cannot be renamed as they are. */
  readonly unmovable: ReadonlySet<string>;
}

/**
 * Directories that another device renamed, and that this disk can follow by renaming each of them once, with whatever is
 * in them: outermost ones first, none in another one. What has to do with them is left to the next plan, which sees it
 * under the new name; what users did in them meanwhile, names included, then goes on top of the rename.
 *
 * @param byPath loses what is left to the next plan
 */
export function findFolderMoves(
  trees: Trees,
  byPath: Map<string, Operation>,
  options: FolderMoveOptions,
): FolderMove[] {
  const chosen = apartFromEachOther(candidates(trees, byPath, options));
  for (const from of mixed(trees, chosen, options)) chosen.delete(from);
  if (chosen.size === 0) return [];
  const ends = new Set([...chosen].flat());

  const others = new Set<string>();
  const concerns = (operation: Operation): boolean => {
    const origin = operation.do === 'download' ? trees.remote.get(operation.path)?.moved_from : undefined;
    return [...pathsOf(operation), ...(origin === undefined ? [] : [origin])].some((path) => isWithinAny(path, ends));
  };
  // What is renamed here in one commit stays together.
  const waits = [...byPath.values()].some((operation) => operation.do === 'moveRemote' && concerns(operation));
  for (const [key, operation] of byPath) {
    if (!concerns(operation) && !(waits && operation.do === 'moveRemote')) continue;
    byPath.delete(key);
    for (const path of pathsOf(operation)) others.add(path);
  }
  return [...chosen].map(([from, to], index) => ({
    do: 'moveLocal',
    from,
    to,
    others: index === 0 ? [...others] : [],
  }));
}

/** Of renames those whose ends are neither those of one before, nor in these. */
function apartFromEachOther(renames: readonly [from: string, to: string][]): Map<string, string> {
  const chosen = new Map<string, string>();
  const ends = new Set<string>();
  for (const [from, to] of renames) {
    if (isWithinAny(from, ends) || isWithinAny(to, ends)) continue;
    chosen.set(from, to);
    ends.add(from).add(to);
  }
  return chosen;
}

/** Directories with the old name alone here and the new one alone there, the outer before those in them. */
function candidates(
  { local, remote, synced }: Trees,
  byPath: ReadonlyMap<string, Operation>,
  { blocked, unmovable, goesAlong }: FolderMoveOptions,
): [from: string, to: string][] {
  const movedHere = new Set<string>();
  for (const operation of byPath.values()) {
    if (operation.do !== 'moveRemote') continue;
    for (const path of [operation.from, ...(operation.origins ?? [])]) movedHere.add(path);
  }
  const found: [string, string][] = [];
  for (const operation of byPath.values()) {
    if (operation.do !== 'download') continue;
    const to = operation.path;
    const there = remote.get(to);
    const from = there?.moved_from;
    if (there?.kind !== 'directory' || from === undefined || unmovable.has(from)) continue;
    const [here, base] = [local.get(from), synced.get(from)];
    if (here?.kind !== 'directory' || !base || here.identity !== base.identity || base.lapsed) continue;
    if (remote.has(from) || local.has(to) || synced.has(to) || isInside(to, from)) continue;
    if (fileAbove(local, to) !== undefined) continue;
    if ([from, to, ...ancestors(to)].some((path) => movedHere.has(path))) continue;
    if (!blocked(from) && !blocked(to) && goesAlong(from, to)) found.push([from, to]);
  }
  return found.sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Of the directories those of which a part is left out of plans under one of the names. */
function mixed({ local, synced }: Trees, moves: ReadonlyMap<string, string>, { blocked }: FolderMoveOptions): string[] {
  if (moves.size === 0) return [];
  const found = new Set<string>();
  for (const tree of [local, synced]) {
    for (const path of pathsWithinAny(tree, moves)) {
      const from = ancestors(path).find((above) => moves.has(above));
      if (from === undefined || found.has(from)) continue;
      if (blocked(path) || blocked(moves.get(from)! + path.slice(from.length))) found.add(from);
    }
  }
  return [...found];
}
