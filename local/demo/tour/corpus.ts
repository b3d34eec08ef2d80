import { cp, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const modules = join(import.meta.dirname, '../../../node_modules');
const BIG_FILE_BYTES = 96 * 1024 * 1024;

/** An installed package with a few hundred source files in nested folders. */
export function copySources(folder: string): Promise<void> {
  return cp(join(modules, 'zod', 'v4'), join(folder, 'sources'), { recursive: true });
}

/** The first 96 MiB of the Node executable that runs this: real machine code and data. */
export async function copyBigFile(folder: string): Promise<void> {
  const executable = await open(process.execPath);
  const { buffer } = await executable.read(Buffer.alloc(BIG_FILE_BYTES), 0, BIG_FILE_BYTES, 0);
  await executable.close();
  await writeFile(join(folder, 'big.bin'), buffer);
}

/** The TypeScript compiler as one 9 MB source file, in two successive releases. */
export async function copyRelease(folder: string, release: 'previous' | 'next'): Promise<void> {
  await mkdir(folder, { recursive: true });
  const source = await readFile(join(modules, `typescript-${release}`, 'lib', 'typescript.js'));
  await writeFile(join(folder, 'compiler.js'), source);
}
