import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Suite } from '../suite.ts';

/** Some packages of this repository's own, with thousands of files together. */
const packages = ['typescript', 'zod', 'fast-check', 'commander', 'kafkajs', '@smithy/core'];

/** `npm install`, with its links to programs, and the same tree at the other device. */
export const npm: Suite = {
  name: 'npm install',
  program: 'npm',
  async work(ground) {
    await writeFile(join(ground.here, 'package.json'), '{"private":true}');
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    const said = await ground.run(['npm', 'install', ...options, ...packages]);
    return { did: said.trim().split('\n')[0] ?? '' };
  },
};
