import { existsSync } from 'node:fs';
import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Configuration, saveConfiguration } from './config.ts';
import { ClientError } from './errors.ts';
import { State, stateFolder } from './state.ts';
import { guarded, isLocked, stateDamaged } from './state-file.ts';

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
  if (!existsSync(wanted)) {
    if (known && !startAnew) {
      throw new ClientError(
        'folder_missing',
        `${wanted} does not exist: mount it or put it back, or give --start-anew`,
      );
    }
    await mkdir(wanted, { recursive: true });
  }
  if (!(await stat(wanted)).isDirectory()) throw new ClientError('usage', `${wanted} is not a folder`);
  const root = await realpath(wanted);
  const hasState = existsSync(join(root, stateFolder, 'state.db'));

  if (!startAnew && known && !hasState) {
    if (known.path !== root) throw otherFolder(known.path);
    throw folderReplaced(root, `no ${stateFolder}`);
  }
  if (startAnew && hasState) {
    lockFolder(root).release();
    await rm(join(root, stateFolder), { recursive: true });
  }
  const state = new State(root);
  try {
    if (!startAnew && known && known.id !== state.fact('folder_id')) throw notTheFolder(root, known.path, state);
    claim(state, configuration, root);
    await saveConfiguration(configFolder, { ...configuration, folder: { path: root, id: state.folderId } });
  } catch (error) {
    state.close();
    throw error;
  }
  return { root, state };
}

/** The state is of another folder than the one that this device syncs, or of none. */
function notTheFolder(root: string, known: string, state: State): ClientError {
  if (root !== known) return otherFolder(known);
  if (state.fact('folder_id') === undefined) return stateDamaged(join(root, stateFolder, 'state.db'));
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
  if (before === undefined) state.setFact('account', account);
}

/**
 * Keeps other processes from syncing the same folder until this one ends, however it ends: the system releases the
 * lock. Throws `folder_busy` when another one has it.
 */
export function lockFolder(root: string): { release(): void } {
  const place = join(root, stateFolder, 'lock.db');
  return guarded(place, () => {
    const database = new DatabaseSync(place);
    try {
      database.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      if (!isLocked(error)) throw error;
      throw new ClientError('folder_busy', `${root} is being synced by another process`, { cause: error });
    }
    return { release: () => database.close() };
  });
}

/** The synced folder that holds `path`, and the path inside it, '' for the folder itself. */
export function locate(path: string): { root: string; inside: string } {
  const place = resolve(path);
  for (let root = place; ; root = dirname(root)) {
    if (existsSync(join(root, stateFolder, 'state.db'))) {
      return { root, inside: relative(root, place).split(sep).join('/').normalize('NFC') };
    }
    if (root === dirname(root)) {
      throw new ClientError('folder_unknown', `${place} is not inside a synced folder: run 'tidemark sync DIR' first`);
    }
  }
}
