import { lstatSync } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { formatBytes } from '../../protocol/bytes.ts';
import type { Conflict } from '../../protocol/output/conflict.ts';
import { ClientError } from '../common/errors.ts';
import { formatTime, say } from '../common/format.ts';
import { flushDirectory } from '../common/replace-file.ts';
import { diskPath } from '../disk/paths.ts';
import { isUnchanged } from '../disk/stamps.ts';
import { locateEntry } from '../engine/folder.ts';
import { isMarked, originalPath } from '../plan/conflict-name.ts';
import { same } from '../plan/tree.ts';
import { State } from '../state/state.ts';
import { openOutside } from './open-outside.ts';
import { syncedFolder } from './synced-folder.ts';

interface Options {
  readonly keep?: string;
  readonly open?: string;
  readonly json?: true;
}

export function conflictsCommand(configFolder: () => string): Command {
  return new Command('conflicts')
    .description('files that two devices changed at once, of which there are copies')
    .argument('[dir]', 'the folder (default: the one this device syncs)')
    .option('--keep <file>', 'end the conflict of this file: it stays under its first name, the others are deleted')
    .option('--open <file>', 'open all that is in the conflict of this file')
    .option('--json', 'print one line of JSON for each')
    .addHelpText(
      'after',
      `
What --keep deletes is in 'tidemark history' for 30 days. It deletes nothing that is not synced. Of a folder of which
there is a copy, move over what you want to keep, and delete the copy.

Examples
  tidemark conflicts
  tidemark conflicts --open notes.txt
  tidemark conflicts --keep 'notes (conflicted copy, desk, 2026-11-30).txt'`,
    )
    .action(async (directory: string | undefined, { keep, open, json }: Options) => {
      if (keep !== undefined && open !== undefined) throw new ClientError('usage', 'give either --keep or --open');
      const place = (file: string): Promise<Place> => placeOf(file, configFolder(), directory);
      if (keep !== undefined) await keepOne(await place(keep));
      else if (open !== undefined) await openAll(await place(open));
      else await list(await syncedFolder(configFolder(), directory), json === true);
    });
}

type Place = ReturnType<typeof locateEntry>;

/** A file that is named from where the user is, or as the list names it: from the synced folder. */
async function placeOf(file: string, configFolder: string, directory: string | undefined): Promise<Place> {
  if (isThere(file)) return locateEntry(file);
  return locateEntry(resolve(await syncedFolder(configFolder, directory), file));
}

async function list(root: string, json: boolean): Promise<void> {
  const conflicts = await withState(root, conflictsOf);
  for (const conflict of conflicts) {
    if (json) console.log(JSON.stringify(conflict));
    else for (const line of [conflict.path, ...conflict.copies.map(describe)]) say(line);
  }
  if (conflicts.length === 0 && !json) say('there is no conflict');
}

function describe({ path, kind, size, mtime_ms }: Conflict['copies'][number]): string {
  return kind === 'directory' ? `  ${path}/` : `  ${path}  ${formatBytes(size)}, ${formatTime(mtime_ms)}`;
}

/** The conflicts of a folder as its sync last saw it, in the order of their paths. */
function conflictsOf({ trees: { local } }: State): Conflict[] {
  const copies = [...local].filter(([path]) => isMarked(path));
  const byOriginal = Map.groupBy(copies, ([path]) => originalPath(path));
  return [...byOriginal].sort().map(([path, entries]) => ({
    path,
    copies: entries.map(([path, { kind, size, mtime_ms }]) => ({ path, kind, size, mtime_ms })),
  }));
}

/** The conflict that a path has part in. */
function conflictOf(state: State, path: string): Conflict {
  const original = isMarked(path) ? originalPath(path) : path;
  const conflict = conflictsOf(state).find((one) => one.path === original);
  const isPart = conflict && (path === original || conflict.copies.some((copy) => copy.path === path));
  if (isPart) return conflict;
  throw new ClientError('usage', `${path} is in no conflict; 'tidemark conflicts' lists those that there are`);
}

async function openAll({ root, inside }: Place): Promise<void> {
  const { path, copies } = await withState(root, (state) => conflictOf(state, inside));
  for (const each of [path, ...copies.map((copy) => copy.path)]) openOutside(diskPath(root, each));
}

async function keepOne({ root, inside }: Place): Promise<void> {
  await withState(root, async (state) => {
    const { path: original, copies } = conflictOf(state, inside);
    const all = [original, ...copies.map(({ path }) => path)];
    if (all.some((path) => state.trees.local.get(path)?.kind === 'directory')) {
      throw new ClientError('usage', `${original} is a folder: move over what you want to keep, and delete the other`);
    }
    const others = all.filter((path) => path !== inside);
    const [place, target] = [diskPath(root, inside), diskPath(root, original)];
    if (!isThere(place)) throw new ClientError('usage', `${place} is not there, so that it cannot be kept`);
    for (const path of others) if (path !== original || isThere(target)) demandStored(state, root, path);
    if (place !== target) await rename(place, target);
    for (const path of others) if (path !== original) await unlink(diskPath(root, path));
    await flushDirectory(dirname(target));
  });
  say(`${inside} is kept`);
}

/** Also for a symbolic link that leads to nothing. */
function isThere(place: string): boolean {
  return lstatSync(place, { throwIfNoEntry: false }) !== undefined;
}

/** Demands that the service has what is at a path. Throws ClientError `not_stored`. */
function demandStored({ trees }: State, root: string, path: string): void {
  const local = trees.local.get(path);
  const isSynced = local !== undefined && same(local, trees.synced.get(path));
  if (isSynced && isUnchanged(diskPath(root, path), local.hint)) return;
  throw new ClientError(
    'not_stored',
    `${path} is not synced as it is now, and nothing was deleted: sync, then try again`,
  );
}

async function withState<Result>(root: string, work: (state: State) => Result | Promise<Result>): Promise<Result> {
  const state = new State(root);
  try {
    return await work(state);
  } finally {
    state.close();
  }
}
