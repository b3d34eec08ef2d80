import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { bundle } from '../../packaging/bundle.ts';
import { here, packExecutable } from '../../packaging/executable.ts';
import { packForNpm, programs } from '../../packaging/npm-package.ts';
import { describeFile, writeRelease } from '../../packaging/release.ts';

const root = join(import.meta.dirname, '../..');

export const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;

/** The client's code, as if it were of that version. */
export async function codeOf(version: string): Promise<string> {
  const { code } = await bundle(programs.tidemark);
  return code.replaceAll(`"${manifest.version}"`, `"${version}"`);
}

/** Packs a version of the client for this machine and for npm, signed, into a new folder, which it answers. */
export async function packageVersion(
  version: string,
  keys: readonly [KeyObject, ...KeyObject[]],
  within: string,
): Promise<string> {
  const [folder, scratch] = [join(within, `dist-${version}`), await mkdtemp(join(within, 'scratch-'))];
  await mkdir(folder);
  const code = await codeOf(version);
  const parts = { root, cache: join(root, '.tidemark'), licenses: 'as of each package', code };
  const executable = await packExecutable(parts, here, scratch, folder);
  const npm = await packForNpm({ ...parts, code: { tidemark: code, 'tidemark-admin': code } }, scratch, folder);
  const files = { npm: await describeFile(folder, npm), [here]: await describeFile(folder, executable) };
  await writeRelease(folder, { version, files }, keys);
  await rm(scratch, { recursive: true });
  return folder;
}
