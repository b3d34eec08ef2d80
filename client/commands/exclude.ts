import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { isInside } from '../../protocol/path.ts';
import { ClientError } from '../common/errors.ts';
import { describePause, say } from '../common/format.ts';
import { sleep } from '../common/waits.ts';
import { isBeingSynced, locateEntry, lockFolder } from '../engine/folder.ts';
import { instruct } from '../engine/wake.ts';
import { isDirectory } from '../plan/tree.ts';
import { noteExclusions, readExclusions } from '../state/exclusions.ts';
import { readPause } from '../state/pause.ts';
import { State } from '../state/state.ts';
import { vacate } from '../steps/vacate.ts';
import { type Overview, withOverview } from './overview.ts';
import { syncedFolder } from './synced-folder.ts';

type Json = { readonly json?: true };

export function excludeCommand(configFolder: () => string): Command {
  return new Command('exclude')
    .description('leave a folder out on this device: it is removed from this disk, and stays at the service')
    .argument('[folder]', 'a folder in the synced folder, which need not be here (default: list what is left out)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Only what the service has as it is here is removed; all else in the folder stays on this disk, and is not synced while
the folder is left out. Other devices notice nothing of it. It goes by the path: renamed on another device, the folder
comes back under its new name. 'tidemark include' brings it back.

Examples
  tidemark exclude ~/Tidemark/photos
  tidemark exclude                       lists the folders that are left out`,
    )
    .action(async (folder: string | undefined, options: Json) => {
      if (folder === undefined) list(await syncedFolder(configFolder(), undefined), options);
      else await exclude(configFolder(), locateEntry(folder), options);
    });
}

function list(root: string, { json }: Json): void {
  const folders = readExclusions(root);
  if (json) console.log(JSON.stringify({ folder: root, excluded: folders }));
  else if (folders.length === 0) say('no folder is left out on this device');
  else for (const folder of folders) say(folder);
}

type Located = ReturnType<typeof locateEntry>;

async function exclude(configFolder: string, { root, inside }: Located, { json }: Json): Promise<void> {
  const before = readExclusions(root);
  const around = before.find((folder) => isInside(inside, folder));
  if (around !== undefined) throw new ClientError('usage', `${inside} is left out already, with ${around}`);
  await withOverview(configFolder, root, (overview) => demandStored(overview, inside));
  await noteExclusions(root, [...before, inside]);
  const outcome = isBeingSynced(root) ? await haveItRemoved(root, inside) : await removeHere(root, inside);
  if (json) console.log(JSON.stringify({ folder: root, excluded: readExclusions(root), removed: outcome.isDone }));
  else say(`${inside} is left out on this device; ${outcome.words}`);
}

/** What is said of paths that are not stored yet. */
const LISTED = 3;

/** Throws when the folder is none, or has changes that would stay on this disk alone. */
async function demandStored({ status, state }: Overview, folder: string): Promise<void> {
  const { local, remote } = state.trees;
  const stats = await lstat(join(status.folder, folder)).catch(() => undefined);
  if (stats ? !stats.isDirectory() : (local.has(folder) || remote.has(folder)) && !isDirectory(state.trees, folder)) {
    throw new ClientError('usage', `${folder} is no folder; for files there is .tidemarkignore`);
  }
  if (!stats && !remote.has(folder) && state.cursor > 0) {
    throw new ClientError('usage', `there is no folder ${folder}, neither here nor at the service, as far as is known`);
  }
  const unstored = status.pending.filter(
    ({ do: what, path }) => ['upload', 'moveRemote', 'setAside', 'setMode'].includes(what) && isInside(path, folder),
  );
  if (unstored.length === 0) return;
  const some = unstored
    .slice(0, LISTED)
    .map(({ path }) => path)
    .join(', ');
  const more = unstored.length > LISTED ? ', …' : '';
  throw new ClientError(
    'not_stored',
    `${unstored.length === 1 ? `1 change in ${folder} is` : `${unstored.length} changes in ${folder} are`} not at the service yet (${some}${more}): let a sync bring them there first`,
  );
}

interface Outcome {
  readonly isDone: boolean;
  readonly words: string;
}

/** So long it is waited for a sync to remove the folder, ms. */
const PATIENCE_MS = 10_000;

async function haveItRemoved(root: string, folder: string): Promise<Outcome> {
  instruct(root, 'read-rules');
  const paused = readPause(root);
  if (paused) return { isDone: false, words: `it is removed once the sync goes on, which is ${describePause(paused)}` };
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    if (await isGone(root, folder)) return removed;
    await sleep(200);
  }
  const words = "the sync that is running removes it; 'tidemark log' says when it has, and what had to stay";
  return { isDone: false, words };
}

async function isGone(root: string, folder: string): Promise<boolean> {
  return (await lstat(join(root, folder)).catch(() => undefined)) === undefined;
}

const removed: Outcome = { isDone: true, words: 'it is removed from this disk' };

async function removeHere(root: string, folder: string): Promise<Outcome> {
  const lock = lockFolder(root);
  try {
    const state = new State(root);
    try {
      const { kept } = await vacate({ root, state }, folder);
      if (await isGone(root, folder)) return removed;
      const some = kept.length === 0 ? '' : `, ${kept.slice(0, LISTED).join(', ')} among that`;
      return { isDone: false, words: `what the service does not have as it is here stays on this disk${some}` };
    } finally {
      state.close();
    }
  } finally {
    lock.release();
  }
}
