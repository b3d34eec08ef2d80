import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bundle } from '../../packaging/bundle.ts';
import { programs } from '../../packaging/npm-package.ts';
import { digestOf, kept } from './kept.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The client in one file. */
    program: string;
  }
}

const sources = ['client', 'cli', 'codec', 'protocol', 'packaging', 'package.json', 'package-lock.json'];

/** Bundles the client as it is packed: tests start it hundreds of times, and from its sources that takes twice as long. */
export async function setup(project: TestProject): Promise<void> {
  const folder = await kept('programs', await digestOf(sources, ''), async (unfinished) => {
    await mkdir(unfinished);
    const { code } = await bundle(programs.tidemark);
    await writeFile(join(unfinished, 'tidemark.cjs'), code);
  });
  project.provide('program', join(folder, 'tidemark.cjs'));
}
