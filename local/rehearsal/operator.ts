import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const tidemarkAdmin = join(import.meta.dirname, '../../admin/main.ts');
/** Exit code of an audit that found something. */
const DAMAGE = 4;

/** How many things of each kind an audit found. */
export interface Audit {
  readonly checked: { readonly blocks: number; readonly objects: number; readonly contents: number };
  readonly found: Readonly<Record<string, number>>;
}

/** Runs `tidemark-admin` on a running cloud, and answers what it printed. */
export async function administer(
  cloudData: string,
  words: readonly string[],
  fine: readonly number[] = [0],
): Promise<string> {
  const line = [tidemarkAdmin, '--operator', join(cloudData, 'operator.json'), '--json', ...words];
  const child = spawn(process.execPath, line, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, error] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (error += text));
  const [code] = await once(child, 'close');
  if (!fine.includes(code as number)) throw new Error(`tidemark-admin ${words[0]} failed:\n${(error || out).trim()}`);
  return out;
}

/** Compares everything and reads all content. */
export async function audit(cloudData: string): Promise<Audit> {
  const lines = (await administer(cloudData, ['audit', '--sample', '100'], [0, DAMAGE])).trim().split('\n');
  return JSON.parse(lines.at(-1)!) as Audit;
}
