import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { leastNode } from './bundle.ts';
import { run } from './run.ts';

/** The programs of the package, and where each begins. */
export const programs = { tidemark: 'client/main.ts', 'tidemark-admin': 'admin/main.ts' } as const;

export interface Contents {
  readonly root: string;
  readonly licenses: string;
  /** The code of each program, by its name. */
  readonly code: Readonly<Record<keyof typeof programs, string>>;
}

/**
 * Packs what `npm install --global` takes: the programs, and nothing to install besides.
 * @param into the folder for the tarball
 * @returns the tarball's name
 */
export async function packForNpm({ root, licenses, code }: Contents, scratch: string, into: string): Promise<string> {
  const folder = join(scratch, 'npm');
  await mkdir(folder);
  const { name, version, description, license } = manifest;
  const files = Object.entries(code).map(([program, text]) => ({ program, file: `${program}.cjs`, text }));
  for (const { file, text } of files) {
    await writeFile(join(folder, file), `#!/usr/bin/env node\n${text}`);
    await chmod(join(folder, file), 0o755);
  }
  const bin = Object.fromEntries(files.map(({ program, file }) => [program, file]));
  const own = { name, version, description, license, bin, engines: { node: `>=${leastNode}` } };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(own, undefined, 2)}\n`);
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES'), licenses);
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  return (await run('npm', ['pack', '--silent', '--pack-destination', into], folder)).trim();
}
