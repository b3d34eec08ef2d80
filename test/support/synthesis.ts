import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { compileCache } from '../../local/compile-cache.ts';
import { synthesize } from '../../local/demo/synthesize.ts';

declare module 'vitest' {
  interface ProvidedContext {
    assembly: string;
  }
}

const root = join(import.meta.dirname, '../..');
const kept = join(root, '.tidemark', 'assemblies');
/** All that the app is synthesized from. */
const sources = ['bin', 'lib', 'lambdas', 'protocol', 'codec', 'migrations', 'cdk.json', 'package-lock.json'];

/** Synthesizes the app once for all test files, which read the folder's name through `inject('assembly')`. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('assembly', await assemblyOf({ profile: 'team' }));
}

/**
 * The folder of the app synthesized with this context; nobody changes anything in it. The assembly is kept: as long as
 * nothing changes that it is made of, no run has to make it again.
 */
export async function assemblyOf(context: Readonly<Record<string, string>>): Promise<string> {
  const assembly = join(kept, await digestOf(sources, JSON.stringify(context)));
  if (!(await isThere(assembly))) {
    const unfinished = `${assembly}.${process.pid}`;
    await mkdir(kept, { recursive: true });
    const before = await readdir(kept);
    await synthesize(unfinished, context);
    await rename(unfinished, assembly).catch(async (error) => {
      // Another run was faster.
      if (!(await isThere(assembly))) throw error;
      await rm(unfinished, { recursive: true, force: true });
    });
    await removeOld(kept, before);
    // What was compiled of old assemblies is kept by their names.
    for (const version of await readdir(compileCache).catch(() => [])) {
      const compiled = join(compileCache, version);
      await removeOld(compiled, await readdir(compiled));
    }
  }
  return assembly;
}

/** Hex of SHA-256 over names and contents of everything below `names`, and over what else it depends on. */
async function digestOf(names: readonly string[], more: string): Promise<string> {
  const hash = createHash('sha256').update(more);
  for (const name of names) {
    const isFolder = (await stat(join(root, name))).isDirectory();
    const below = isFolder ? await readdir(join(root, name), { recursive: true, withFileTypes: true }) : [];
    const inside = below.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of isFolder ? inside.sort() : [join(root, name)])
      hash.update(`${file}\0`).update(await readFile(file));
  }
  return hash.digest('hex');
}

function isThere(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}

/** Removes what no run can be using any more. */
async function removeOld(parent: string, names: readonly string[]): Promise<void> {
  const dayAgo = Date.now() - 24 * 3_600_000;
  for (const name of names) {
    const path = join(parent, name);
    const age = await stat(path).catch(() => undefined);
    if (age && age.mtimeMs < dayAgo) await rm(path, { recursive: true, force: true });
  }
}
