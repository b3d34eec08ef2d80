import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { pythonCommand } from '../python/tools.ts';
import { scratch } from '../scratch.ts';

/** The disks below are FUSE file systems, of Linux with libfuse 3 and Python. CI must have them. */
export const fuseIsPossible = process.env.CI === 'true' || fuseIsThere();
if (!fuseIsPossible)
  console.warn('FUSE (libfuse 3, /dev/fuse, Python 3) is missing: the tests on faulty disks do not run.');

/** A call that changes something on a disk, as `disk.py` counts them; `*` for any. */
type DiskCall =
  | 'open'
  | 'create'
  | 'write'
  | 'truncate'
  | 'close'
  | 'fsync'
  | 'fsyncdir'
  | 'chmod'
  | 'utimens'
  | 'mkdir'
  | 'rmdir'
  | 'unlink'
  | 'link'
  | 'symlink'
  | 'rename';

interface DiskFault {
  readonly call: DiskCall | '*';
  /** Which of the calls from now on fails, from 1. */
  readonly nth: number;
  /** `short` writes half of what it is given, and says so; `slow` takes a fifth of a second more. */
  readonly error: 'ENOSPC' | 'EDQUOT' | 'EFBIG' | 'EIO' | 'EPERM' | 'EROFS' | 'short' | 'slow';
  /** How many calls fail from the `nth` on: 1 unless given, `null` for all. */
  readonly times?: number | null;
  /** A regular expression: only calls whose path below the root, with a slash before it, matches count. */
  readonly path?: string;
}

export interface Disk {
  /** Where the file system is mounted. */
  readonly root: string;
  /** The ordinary folder that it shows. */
  readonly source: string;
  fail(fault: DiskFault): Promise<void>;
  /** Ends all faults. */
  heal(): Promise<void>;
  /** Calls since this was last asked, and how many of them failed. */
  counts(): Promise<Partial<Record<DiskCall | 'failed', number>>>;
  /** Free bytes that the disk claims to have; `null` for those that there are. */
  claimRoom(bytes: number | null): Promise<void>;
  close(): Promise<void>;
}

/**
 * Mounts a disk that fails as it is told (`faults`), or one that takes names which differ in case or Unicode
 * normalisation for one (`fold`).
 */
export async function mountDisk(mode: 'faults' | 'fold'): Promise<Disk> {
  const folder = await scratch('tidemark-disk-');
  const [source, root] = [join(folder, 'source'), join(folder, 'mount')];
  await mkdir(source);
  await mkdir(root);
  const script = join(import.meta.dirname, 'disk.py');
  const server = spawn(pythonCommand, [script, mode, source, root], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ask = createAsk(server);
  await untilMounted(server, root);
  return {
    root,
    source,
    fail: async (fault) => void (await ask({ do: 'fail', ...fault })),
    heal: async () => void (await ask({ do: 'heal' })),
    counts: async () => (await ask({ do: 'counts' })) as Partial<Record<DiskCall | 'failed', number>>,
    claimRoom: async (bytes) => void (await ask({ do: 'room', bytes })),
    close: async () => {
      spawnSync('umount', ['--lazy', root]);
      if (server.exitCode === null) {
        const ended = new Promise((resolve) => server.once('exit', resolve));
        server.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function createAsk(server: ChildProcess): (command: object) => Promise<unknown> {
  const waiting: ((answer: unknown) => void)[] = [];
  createInterface({ input: server.stdout! }).on('line', (line) => waiting.shift()?.(JSON.parse(line)));
  return (command) =>
    new Promise((resolve, reject) => {
      if (server.exitCode !== null) return reject(new Error(`the disk has ended with exit code ${server.exitCode}`));
      waiting.push(resolve);
      server.stdin!.write(`${JSON.stringify(command)}\n`);
    });
}

async function untilMounted(server: ChildProcess, root: string): Promise<void> {
  const before = statSync(join(root, '..')).dev;
  while (statSync(root).dev === before) {
    if (server.exitCode !== null) throw new Error(`the disk could not be mounted: exit code ${server.exitCode}`);
    await pause(20);
  }
}

function fuseIsThere(): boolean {
  if (process.platform !== 'linux' || !existsSync('/dev/fuse')) return false;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && spawnSync('fusermount3', ['--version']).status !== 0) return false;
  try {
    if (isRoot) accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  const library = 'import venv, ensurepip, ctypes.util as u; raise SystemExit(not u.find_library("fuse3"))';
  return spawnSync('python3', ['-c', library]).status === 0;
}
