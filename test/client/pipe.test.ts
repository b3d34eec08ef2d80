import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test.each(['client', 'admin'])('%s/main.ts ends quietly when its reader has seen enough', (part) => {
  const line = `set -o pipefail; "${process.execPath}" ${part}/main.ts --help | true`;
  const { status, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
