import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

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

/** Folders of the path without those of this project's own programs: what a shell finds. */
const shellPath = process.env.PATH!.split(delimiter).filter((folder) => !folder.includes('node_modules'));
const ownNode = shellPath.map((folder) => join(folder, 'node')).find((file) => existsSync(file))!;
const ownVersion = execFileSync(ownNode, ['--version'], { encoding: 'utf8' }).trim();

test(`a cdk that is installed for the Node of the machine, here ${ownVersion}, runs the app from the clone`, () => {
  const stacks = execFileSync(ownNode, [join(root, 'node_modules/aws-cdk/bin/cdk'), 'list', '-c', 'profile=dev'], {
    cwd: root,
    env: { ...process.env, PATH: shellPath.join(delimiter) },
    encoding: 'utf8',
  });
  expect(stacks.trim().split('\n')).toContain('TidemarkApi');
}, 60_000);
