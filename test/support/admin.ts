import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Service } from './service.ts';

/** Runs `tidemark-admin` as its user does; answers the exit code and the lines of output, JSON parsed. */
export async function admin(
  service: Pick<Service, 'data'>,
  ...words: string[]
): Promise<{ code: number; lines: Record<string, unknown>[]; said: string }> {
  const program = join(import.meta.dirname, '../../admin/main.ts');
  const operator = join(service.data, 'operator.json');
  const child = spawn(process.execPath, [program, '--json', '--operator', operator, ...words]);
  const code = new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
  const [output, said] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return { code: await code, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>), said };
}
