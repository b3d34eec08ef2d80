import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { stateFolder } from '../../protocol/reserved-name.ts';
import { ClientError } from '../common/errors.ts';
import { identityOf } from '../disk/stamps.ts';
import { type Configuration, changeConfiguration } from '../service/config.ts';
import { noteExclusions, readExclusions } from '../state/exclusions.ts';
import { lockPlace, statePlace } from '../state/places.ts';
import { State } from '../state/state.ts';
import { guarded, isLocked, readFolderId, stateDamaged } from '../state/state-file.ts';
import { loadsWhatStays } from './heap.ts';

/**
 * Opens the folder that this device syncs, and makes sure that it is that folder: a disk that is not mounted, or
 * another folder in its place, must not read as a deletion of everything.
 *
 * @param startAnew forget what was known: the folder is merged with the service as on the first day
 */
export async function openFolder(
  configFolder: string,
  configuration: Configuration,
  directory: string,
  startAnew: boolean,
): Promise<{ root: string; state: State }> {
  const wanted = resolve(directory);
  const known = configuration.folder;
  refuseAbove(wanted);
  if (!existsSync(wanted)) {
    if (known && !startAnew) {
      throw new ClientError(
        'folder_missing',
        `${wanted} does not exist: mount it or put it back; if you moved it, give its new place: tidemark sync DIR; or ` +
          'give --start-anew',
      );
    }
    await mkdir(wanted, { recursive: true });
  }
  if (!(await stat(wanted)).isDirectory()) throw new ClientError('usage', `${wanted} is not a folder`);
  const root = await realpath(wanted);
  const hasState = isSynced(root);
  refuseAbove(root);
  if (!hasState) await refuseBelow(root);
  if ((await realpath(configFolder)) === root) {
    throw new ClientError(
      'usage',
      `${root} holds this device's sign-in: sync another folder, or sign in with --config`,
    );
  }

  if (!startAnew && known && !hasState) {
    if (known.path !== root) throw otherFolder(known.path);
    throw folderReplaced(root, `no ${stateFolder}`);
  }
  if (startAnew && hasState) {
    demandNotBusy(root);
    const excluded = readExclusions(root);
    await rm(join(root, stateFolder), { recursive: true });
    // Of what is left out nothing is here, and nobody asked for it.
    if (excluded.length > 0) await noteExclusions(root, excluded);
  }
  loadsWhatStays();
  const state = new State(root);
  try {
    if (!startAnew && known && known.id !== state.fact('folder_id')) throw notTheFolder(root, known.path, state);
    claim(state, configuration, root);
    const { cache_bytes } = configuration;
    const chosen = cache_bytes === undefined ? {} : { cache_bytes };
    await changeConfiguration(configFolder, { ...chosen, folder: { path: root, id: state.folderId } });
  } catch (error) {
    state.close();
    throw error;
  }
  return { root, state };
}

/** What of the folder stays on this device: the configuration with its token, where it lies inside. */
export async function pathsApart(root: string, configFolder: string): Promise<Set<string>> {
  const inside = relative(root, await realpath(configFolder));
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return new Set();
  return new Set([inside.split(sep).join('/').normalize('NFC')]);
}

function isSynced(folder: string): boolean {
  return existsSync(statePlace(folder));
}

/** Two clients would send each other's copies to and fro, a level deeper each time. */
function refuseAbove(folder: string): void {
  for (let above = dirname(folder); ; above = dirname(above)) {
    if (isSynced(above)) throw nested(folder, above, above);
    if (above === dirname(above)) return;
  }
}

/** Looks through a folder that is synced for the first time; a later scan leaves out what was moved into it since. */
async function refuseBelow(root: string): Promise<void> {
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isDirectory()) continue;
      const place = join(folder, entry.name);
      if (isSynced(place)) throw nested(place, root, place);
      folders.push(place);
    }
  }
}

function nested(inner: string, outer: string, synced: string): ClientError {
  return new ClientError(
    'nested_folder',
    `${inner} is inside ${outer}, and ${synced} is synced already: choose folders that lie beside each other. ` +
      `If ${synced} is not synced any more, delete ${join(synced, stateFolder)}.`,
  );
}

/** The state is of another folder than the one that this device syncs, or of none. */
function notTheFolder(root: string, known: string, state: State): ClientError {
  if (root !== known) return otherFolder(known);
  if (state.fact('folder_id') === undefined) return stateDamaged(statePlace(root));
  return folderReplaced(root, `another ${stateFolder} than before`);
}

function folderReplaced(root: string, holds: string): ClientError {
  return new ClientError(
    'folder_replaced',
    `${root} is not the folder that was synced before: it holds ${holds}. Mount the right one, or give ` +
      '--start-anew to merge this one with the service; nothing is deleted then.',
  );
}

function otherFolder(known: string): ClientError {
  return new ClientError(
    'other_folder',
    `this device syncs ${known}, and a device syncs one folder. For a second folder sign in with another ` +
      '--config; to sync this one instead, give --start-anew.',
  );
}

function claim(state: State, configuration: Configuration, root: string): void {
  const account = `${configuration.username} at ${configuration.api_url}`;
  const before = state.fact('account');
  if (before !== undefined && before !== account) {
    throw new ClientError(
      'other_account',
      `${root} is synced with ${before}, and you are signed in as ${account}. Sign in there, or give --start-anew.`,
    );
  }
  demandNoCopy(state, root);
  if (before === undefined) state.setFact('account', account);
  if (state.fact('place') !== root) state.setFact('place', root);
}

/** A folder may be moved. Where it still lies in its old place as well, this is a copy, with the memory of that one. */
function demandNoCopy(state: State, root: string): void {
  const before = state.fact('place');
  if (before === undefined || before === root) return;
  if (readFolderId(statePlace(before)) !== state.fact('folder_id') || isSameFolder(before, root)) return;
  throw new ClientError(
    'folder_copied',
    `${root} is a copy of ${before}, and remembers what that one does. If ${before} is to go, delete it and sync this one; ` +
      'to sync this one as a folder of its own, sign in with another --config and give --start-anew.',
  );
}

/** A folder may be mounted in two places. */
function isSameFolder(one: string, other: string): boolean {
  return identityOf(statSync(one, { bigint: true })) === identityOf(statSync(other, { bigint: true }));
}

/** Whoever is to have the lock waits so long, ms, for those who look whether somebody has it. */
const LOOK_MS = 1000;

/**
 * Keeps other processes from syncing the same folder until this one ends, however it ends: the system releases the
 * lock. Throws `folder_busy` when another one has it.
 */
export function lockFolder(root: string): { release(): void } {
  return takeLock(root, `PRAGMA busy_timeout = ${LOOK_MS}; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE`);
}

function takeLock(root: string, how: string): { release(): void } {
  const place = lockPlace(root);
  return guarded(place, () => {
    const database = new DatabaseSync(place);
    try {
      database.exec(how);
    } catch (error) {
      database.close();
      if (!isLocked(error)) throw error;
      throw new ClientError('folder_busy', `${root} is being synced by another process`, { cause: error });
    }
    return { release: () => database.close() };
  });
}

/** Whether a process syncs the folder now. All who look share the lock for a moment, so that none is taken for a sync. */
export function isBeingSynced(root: string): boolean {
  try {
    takeLock(root, 'PRAGMA busy_timeout = 0; BEGIN; SELECT count(*) FROM sqlite_schema').release();
    return false;
  } catch (error) {
    if (error instanceof ClientError && error.code === 'folder_busy') return true;
    throw error;
  }
}

/** A damaged lock is nobody's. */
function demandNotBusy(root: string): void {
  try {
    lockFolder(root).release();
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'state_damaged') throw error;
  }
}

/** The synced folder that holds `path`, and the path inside it, '' for the folder itself. */
export function locateInFolder(path: string): { root: string; inside: string } {
  const place = resolve(path);
  for (let root = place; ; root = dirname(root)) {
    if (isSynced(root)) {
      return { root, inside: relative(root, place).split(sep).join('/').normalize('NFC') };
    }
    if (root === dirname(root)) {
      throw new ClientError('folder_unknown', `${place} is not inside a synced folder: run 'tidemark sync DIR' first`);
    }
  }
}

/** The same for what is in the folder. Throws `usage` for the folder itself. */
export function locateEntry(path: string): ReturnType<typeof locateInFolder> {
  const located = locateInFolder(path);
  if (located.inside === '') throw new ClientError('usage', 'name a file or folder inside the synced folder');
  return located;
}
