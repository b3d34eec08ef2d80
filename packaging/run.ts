import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program in a folder, and returns what it printed. Throws with what it said when it fails. */
export async function run(program: string, words: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, words, { cwd, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
