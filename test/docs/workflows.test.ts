import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validateWorkflow } from '@action-validator/core';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const workflows = readdirSync(join(root, '.github/workflows')).map((name) => `.github/workflows/${name}`);
const operations = read('docs/operations.md');

test.each(workflows)('%s is a workflow as GitHub describes them', (file) => {
  expect(validateWorkflow(read(file)).errors).toEqual([]);
});

test('a workflow with a misspelt key is none', () => {
  expect(validateWorkflow(read(workflows[0]!).replace('runs-on', 'run-on')).errors).not.toEqual([]);
});

test.each(workflows)('%s runs scripts that there are', (file) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const lines = read(file);
  for (const [, script] of lines.matchAll(/npm run ([\w:-]+)/g)) expect(Object.keys(scripts)).toContain(script);
  for (const [, path] of lines.matchAll(/(?<![\w/])(?:after\/)?(\.ci\/[\w-]+)/g)) {
    accessSync(join(root, path!), constants.X_OK);
  }
});

test('docs/operations.md names every variable, secret and role of the deployment', () => {
  const used = [...read('.github/workflows/deploy.yml').matchAll(/(?:vars|secrets)\.(\w+)/g)].map(([, name]) => name);
  const outputs = [...read('.github/deploy-roles.yaml').matchAll(/^ {2}(\w+):\n {4}Value:/gm)].map(([, name]) => name);
  expect(outputs).toEqual(['DeployRole', 'DiffRole']);
  for (const name of [...used, ...outputs]) expect(operations).toContain(`\`${name}\``);
});
