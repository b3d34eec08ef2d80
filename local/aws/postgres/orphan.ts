import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIfExists } from '../../files.ts';
import type { Log } from '../../types.ts';

const STOP_MS = 10_000;

/** The command line of a process, or undefined where there is none. Linux need not have `ps`; macOS has no /proc. */
async function commandOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return readIfExists(`/proc/${pid}/cmdline`);
  try {
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { stdio: 'pipe' }).toString();
  } catch {
    return undefined;
  }
}

/**
 * Stops the server that a killed parent left on this data folder, and removes a postmaster.pid whose number now belongs
 * to another program (PostgreSQL itself refuses to start over that).
 */
export async function stopOrphan(dataFolder: string, log: Log): Promise<void> {
  const file = join(dataFolder, 'postmaster.pid');
  const pid = Number((await readIfExists(file))?.split('\n')[0] ?? Number.NaN);
  if (!(pid > 1)) return;
  const ours = async (): Promise<boolean> => (await commandOf(pid))?.includes(dataFolder) ?? false;
  if (!(await ours())) {
    await rm(file, { force: true });
    return;
  }
  log(`postgres: stopping the server that an earlier run left behind (process ${pid})`, 'note');
  // SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one, which recovers from the log at the next start.
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    process.kill(pid, signal);
    const end = Date.now() + STOP_MS;
    while (Date.now() < end) {
      if (!(await ours())) return;
      await sleep(50);
    }
  }
  throw new Error(`The PostgreSQL server of an earlier run does not stop. End process ${pid} and start again.`);
}
