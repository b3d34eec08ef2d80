import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ClientRelease } from '../../protocol/client-release.ts';
import { ClientError, diskReason, LocalTrouble, systemCode } from '../common/errors.ts';
import { flushDirectory } from '../common/replace-file.ts';
import { fetchReleaseFile } from '../service/release.ts';

const run = promisify(execFile);

const SCRATCH = '.tidemark-update-';
/** No update takes longer: what is older was left behind by one that was killed, ms. */
const LEFT_BEHIND_MS = 24 * 3_600_000;

interface Wanted {
  readonly url: string;
  readonly file: ClientRelease['files'][string];
  readonly version: string;
}

/**
 * Puts a release in the place of an executable, in one step, once it was seen to run; licences that lie beside it are
 * replaced too. On any failure the old one stays.
 * @throws ClientError with what to do, LocalTrouble where the disk does not take it
 */
export async function replaceExecutable(place: string, { url, file, version }: Wanted): Promise<void> {
  const folder = dirname(place);
  try {
    await removeLeftovers(folder);
    const scratch = await mkdtemp(join(folder, SCRATCH));
    try {
      const [archive, unpacked] = [join(scratch, 'archive'), join(scratch, 'new')];
      await fetchReleaseFile(url, file, archive);
      await mkdir(unpacked);
      await unpack(archive, unpacked);
      await tryOut(join(unpacked, 'tidemark'), version);
      for (const name of await readdir(unpacked)) {
        if (name !== 'tidemark' && existsSync(join(folder, name))) await moveTo(join(unpacked, name), folder, name);
      }
      await moveTo(join(unpacked, 'tidemark'), folder, basename(place));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new LocalTrouble(`${place} cannot be replaced: ${diskReason(error)}`, { cause: error });
  }
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const isOld = async () => Date.now() - (await stat(join(folder, name))).mtimeMs > LEFT_BEHIND_MS;
    if (name.startsWith(SCRATCH) && (await isOld())) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function unpack(archive: string, into: string): Promise<void> {
  await run('tar', ['-xzf', archive, '-C', into]).catch((error) => {
    throw new ClientError('update_refused', `tar does not unpack the new one: ${error.message}`, { cause: error });
  });
}

/** The signature says that it is the right one, and not that it runs here. */
async function tryOut(program: string, version: string): Promise<void> {
  const said = await run(program, ['--version']).catch((error: Error) => ({ stdout: error.message }));
  if (said.stdout.trim() === version) return;
  throw new ClientError('update_refused', `tidemark ${version} does not run on this machine: ${said.stdout.trim()}`);
}

async function moveTo(from: string, folder: string, name: string): Promise<void> {
  const handle = await open(from, 'r');
  await handle.sync().finally(() => handle.close());
  await rename(from, join(folder, name));
  await flushDirectory(folder);
}
