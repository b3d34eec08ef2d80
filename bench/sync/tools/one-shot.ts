import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Processes } from '../processes.ts';
import type { Tool } from './tool.ts';

const run = promisify(execFile);

/** A command that makes two folders of this machine identical and ends. */
function oneShot(name: string, command: (from: string, to: string) => readonly string[]): Tool {
  return {
    name,
    remote: false,
    open: async () => async (ground) => {
      const folders = [join(ground.folder, 'one'), join(ground.folder, 'other')] as const;
      for (const folder of folders) await mkdir(folder, { recursive: true });
      const [program, ...words] = command(...folders) as [string, ...string[]];
      const env = { ...process.env, UNISON: join(ground.folder, 'state') };
      return {
        folders,
        counters: async () => ({ 'cpu.both': new Processes().ended(process.pid) }),
        memory: () => ({}),
        sync: async () => void (await run(program, words, { env })),
      };
    },
  };
}

export const rsync = oneShot('rsync', (from, to) => ['rsync', '-a', '--delete', `${from}/`, `${to}/`]);
export const unison = oneShot('Unison', (from, to) => [
  ...['unison', from, to, '-ui', 'text', '-batch', '-silent', '-times'],
  '-confirmbigdel=false',
]);
