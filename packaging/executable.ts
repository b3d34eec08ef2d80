import { copyFile, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';

/** What single executables are made of: the newest release that the registry has for every platform below. */
const NODE = '26.10.0';

/** Systems and processors as Node.js calls them. The registry has no Node.js for macOS on ARM. */
export const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'win-x64'] as const;
export type Platform = (typeof platforms)[number];

export const here = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}` as Platform;

export interface Parts {
  readonly root: string;
  /** Where what was downloaded stays for the next time. */
  readonly cache: string;
  readonly licenses: string;
  readonly code: string;
}

/**
 * Packs a program and Node.js as one executable file, with the licences, as `tidemark-PLATFORM.tar.gz`.
 * https://nodejs.org/api/single-executable-applications.html
 *
 * @param into the folder for the archive
 * @returns the archive's name
 */
export async function packExecutable(parts: Parts, platform: Platform, scratch: string, into: string): Promise<string> {
  const folder = join(scratch, platform);
  await mkdir(folder);
  const [builder, target] = [await nodeFor(parts.cache, here), await nodeFor(parts.cache, platform)];
  const name = platform.startsWith('win') ? 'tidemark.exe' : 'tidemark';
  await writeFile(join(scratch, 'program.cjs'), parts.code);
  const settings = {
    main: join(scratch, 'program.cjs'),
    executable: target.binary,
    output: join(folder, name),
    disableExperimentalSEAWarning: true,
    // Compiled code fits one processor only.
    useCodeCache: platform === here,
  };
  const file = join(scratch, `${platform}.json`);
  await writeFile(file, JSON.stringify(settings));
  await run(builder.binary, ['--build-sea', file], scratch);
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES'), parts.licenses);
  // The same for every platform; the registry's package for Windows lacks it.
  await copyFile(builder.license, join(folder, 'LICENSE-nodejs'));
  await copyFile(join(parts.root, 'LICENSE'), join(folder, 'LICENSE'));
  const archive = `tidemark-${platform}.tar.gz`;
  await run('tar', ['-czf', join(into, archive), ...(await readdir(folder))], folder);
  return archive;
}

/** Node.js for a platform, from the npm package that carries it. */
async function nodeFor(cache: string, platform: Platform): Promise<{ binary: string; license: string }> {
  const folder = join(cache, `node-${NODE}-${platform}`);
  const own = join(folder, 'package');
  const found = {
    binary: join(own, 'bin', platform.startsWith('win') ? 'node.exe' : 'node'),
    license: join(own, 'LICENSE'),
  };
  if (await readdir(folder).catch(() => undefined)) return found;
  const unfinished = `${folder}.part`;
  await mkdir(unfinished, { recursive: true });
  const archive = (await run('npm', ['pack', '--silent', `node-${platform}@${NODE}`], unfinished)).trim();
  await run('tar', ['-xzf', archive], unfinished);
  await rename(unfinished, folder);
  return found;
}
