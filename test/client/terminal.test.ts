import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { printable } from '../../client/common/format.ts';
import manifest from '../../package.json' with { type: 'json' };

test.each(['client', 'admin'])('%s/main.ts ends quietly when its reader has seen enough', (part) => {
  const line = `set -o pipefail; "${process.execPath}" ${part}/main.ts --help | true`;
  const { status, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('client/main.ts says which version it is', () => {
  const { stdout } = spawnSync(process.execPath, ['client/main.ts', '--version'], { encoding: 'utf8' });
  expect(stdout).toBe(`${manifest.version}\n`);
});

test('a name cannot speak to the terminal', () => {
  expect(printable('a\u001b[2Jb\n\u0085')).toBe('a\ufffd[2Jb\ufffd\ufffd');
});
