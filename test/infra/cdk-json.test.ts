import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));

test('cdk runs the app with the Node of this project, whichever `node` comes first in the path', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-path-'));
  writeFileSync(join(folder, 'node'), '#!/bin/sh\necho "Unknown file extension .ts" >&2; exit 1\n', { mode: 0o755 });
  const command = String(read('cdk.json').app).replace('bin/tidemark.ts', '--version');
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const version = execFileSync('sh', ['-c', command], { cwd: root, env, encoding: 'utf8' }).trim();
  expect(version).toBe(`v${read('package.json').devDependencies.node}`);
  rmSync(folder, { recursive: true });
});
