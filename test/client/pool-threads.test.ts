import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const imported = join(import.meta.dirname, '../../client/common/pool-threads.ts');
const counting = `
import ${JSON.stringify(imported)};
import { readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
await stat('.');
const names = readdirSync('/proc/self/task').map((task) => readFileSync('/proc/self/task/' + task + '/comm', 'utf8'));
console.log(names.filter((name) => name === 'libuv-worker\\n').length);
`;

test.runIf(process.platform === 'linux').each([
  [undefined, 16],
  ['5', 5],
])('threads wait for the disk, as many as are asked for (%s): %i', (asked, threads) => {
  const { UV_THREADPOOL_SIZE: _, ...env } = process.env;
  const words = ['--input-type=module', '--eval', counting];
  const output = execFileSync(process.execPath, words, {
    env: { ...env, ...(asked && { UV_THREADPOOL_SIZE: asked }) },
  });
  expect(Number(output)).toBe(threads);
});
