import { globSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { installTools, pythonIsThere, runTool } from '../support/python/tools.ts';
import { scratch } from '../support/scratch.ts';

/** The first installation takes a minute; each start of SAM CLI some seconds. */
const LONG_MS = 300_000;

const folder = await scratch('tidemark-sam-');
beforeAll(() => {
  if (pythonIsThere) installTools();
}, LONG_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.runIf(pythonIsThere)('SAM CLI', () => {
  test('loads every synthesized template', { timeout: LONG_MS }, () => {
    const templates = globSync('*.template.json', { cwd: inject('assembly') });
    expect(templates.length).toBeGreaterThan(0);
    for (const template of templates) {
      const { status, output } = runTool(
        'sam',
        'validate',
        '--region',
        'us-east-1',
        '--template',
        join(inject('assembly'), template),
      );
      expect({ template, status, output }).toMatchObject({ status: 0 });
    }
  });

  test('refuses a template that it cannot load', { timeout: LONG_MS }, async () => {
    const broken = join(folder, 'broken.json');
    await writeFile(broken, '{"Resources": {"Fn": {"Type": "AWS::Serverless::Function", "Properties": {"Nope": 1}}}}');
    expect(runTool('sam', 'validate', '--region', 'us-east-1', '--template', broken).status).not.toBe(0);
  });
});
