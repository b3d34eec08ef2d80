import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { compileCache } from '../../local/compile-cache.ts';
import { synthesize } from '../../local/demo/synthesize.ts';
import { migratedDatabase } from './database.ts';
import { digestOf, kept, removeOld } from './kept.ts';

declare module 'vitest' {
  interface ProvidedContext {
    assembly: string;
    /** What `layDatabase` copies; not for every project. */
    database: string | undefined;
  }
}

/** All that the app is synthesized from. */
const sources = ['bin', 'lib', 'lambdas', 'protocol', 'codec', 'migrations', 'cdk.json', 'package-lock.json'];

/**
 * Synthesizes the app once for all test files, which read the folder's name through `inject('assembly')`, and migrates
 * one database for all clouds that they start.
 */
export async function setup(project: TestProject): Promise<void> {
  const assembly = await assemblyOf({ profile: 'team' });
  project.provide('assembly', assembly);
  project.provide('database', await migratedDatabase(assembly));
}

/**
 * The folder of the app synthesized with this context; nobody changes anything in it. The assembly is kept: as long as
 * nothing changes that it is made of, no run has to make it again.
 */
export async function assemblyOf(context: Readonly<Record<string, string>>): Promise<string> {
  const digest = await digestOf(sources, JSON.stringify(context));
  return await kept('assemblies', digest, (folder) => synthesize(folder, context), removeOldCompiled);
}

/** What was compiled of old assemblies is kept by their names. */
async function removeOldCompiled(): Promise<void> {
  for (const version of await readdir(compileCache).catch(() => [])) {
    const compiled = join(compileCache, version);
    await removeOld(compiled, await readdir(compiled));
  }
}
