import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { synthesize } from '../../local/demo/synthesize.ts';

declare module 'vitest' {
  interface ProvidedContext {
    assembly: string;
  }
}

/** Synthesizes the app once for all test files; they read the folder's name through `inject('assembly')`. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const assembly = await mkdtemp(join(tmpdir(), 'tidemark-assembly-'));
  await synthesize(assembly, { profile: 'team' });
  project.provide('assembly', assembly);
  return () => rm(assembly, { recursive: true, force: true });
}
