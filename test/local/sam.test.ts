import { globSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { profileNames } from '../../lib/profiles/profiles.ts';
import { synthesize } from '../infra/synthesis.ts';
import { installTools, pythonIsThere, runTool } from '../support/python/tools.ts';
import { scratch } from '../support/scratch.ts';

/** The first installation takes a minute. */
const LONG_MS = 300_000;
const program = join(import.meta.dirname, '../support/python/validate.py');

const folder = await scratch('tidemark-sam-');
beforeAll(() => {
  if (pythonIsThere) installTools();
}, LONG_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.runIf(pythonIsThere)('SAM CLI', () => {
  test('loads every template of every profile', { timeout: LONG_MS }, () => {
    for (const profile of profileNames) synthesize(profile, join(folder, profile));
    const templates = globSync('*/*.template.json', { cwd: folder }).map((name) => join(folder, name));
    expect(templates.length).toBe(9 * profileNames.length);
    expect(runTool('python', program, ...templates)).toEqual({ status: 0, output: '' });
  });

  test('refuses a template that it cannot load', { timeout: LONG_MS }, async () => {
    const broken = join(folder, 'broken.json');
    await writeFile(broken, '{"Resources": {"Fn": {"Type": "AWS::Serverless::Function", "Properties": {"Nope": 1}}}}');
    expect(runTool('python', program, broken).output).toContain(broken);
  });
});
