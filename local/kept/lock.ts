import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalError } from '../errors.ts';

/**
 * Takes the data folder for this process, so that two clouds never write to it. A lock whose process is gone is taken
 * over. Returns the function that gives it back.
 */
export async function lockFolder(data: string): Promise<() => Promise<void>> {
  await mkdir(data, { recursive: true });
  const file = join(data, 'lock');
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 3) throw error;
    }
    const holder = Number(await readFile(file, 'utf8').catch(() => ''));
    if (holder > 0 && isAlive(holder)) {
      throw new LocalError(
        'Locked',
        `another local cloud (process ${holder}) uses ${data}: stop it, or choose another folder with --data`,
      );
    }
    await rm(file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
