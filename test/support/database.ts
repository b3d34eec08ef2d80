import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { digestOf, isThere, kept } from './kept.ts';
import { freePorts } from './ports.ts';
import { scratch } from './scratch.ts';

/** All that says what a deployment makes of an empty database. */
const sources = ['migrations', 'lambdas', 'protocol', 'lib', 'local', 'package-lock.json'];
/** In a cloud's data folder, as in the kept one. */
const DATABASE = 'postgres';

const copy = async (from: string, to: string): Promise<void> => {
  // With the owner: PostgreSQL runs as another user where the tests run as root.
  await promisify(execFile)('cp', ['-a', join(from, DATABASE), to]);
};

/** The folder of a database that a first deployment has migrated, at rest, and nobody has used. */
export async function migratedDatabase(assembly: string): Promise<string> {
  return await kept('databases', await digestOf(sources, ''), async (folder) => {
    const data = await scratch('tidemark-database-');
    const program = join(import.meta.dirname, 'cloud-process.ts');
    const cloud = spawn(process.execPath, [program, assembly, data, `${await freePorts(10)}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = text(cloud.stderr);
    const ended = once(cloud, 'exit');
    await Promise.race([once(cloud.stdout, 'data'), ended]);
    cloud.kill('SIGTERM');
    const [code] = await ended;
    if (code !== 0) throw new Error(`there is no database for the tests to begin with:\n${await said}`);
    await mkdir(folder);
    await copy(data, folder);
    await rm(data, { recursive: true, force: true });
  });
}

/**
 * Gives a cloud that was never started such a database, if there is one: its first start, which finds nothing to migrate,
 * takes a third of what it would.
 */
export async function layDatabase(data: string, from: string | undefined): Promise<void> {
  if (from === undefined || (await isThere(join(data, DATABASE)))) return;
  await mkdir(data, { recursive: true });
  await copy(from, data);
}
