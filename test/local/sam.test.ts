import { globSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { installSam, runSam, samIsPossible } from '../support/sam/cli.ts';
import { scratch } from '../support/scratch.ts';

/** The first installation takes a minute; each start of SAM CLI some seconds. */
const LONG_MS = 300_000;

const folder = await scratch('tidemark-sam-');
beforeAll(() => {
  if (samIsPossible) installSam();
}, LONG_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.runIf(samIsPossible)('SAM CLI', () => {
  test('loads every synthesized template', { timeout: LONG_MS }, () => {
    const templates = globSync('*.template.json', { cwd: inject('assembly') });
    expect(templates.length).toBeGreaterThan(0);
    for (const template of templates) {
      const { status, output } = runSam('validate', '--template', join(inject('assembly'), template));
      expect({ template, status, output }).toMatchObject({ status: 0 });
    }
  });

  test('refuses a template that it cannot load', { timeout: LONG_MS }, async () => {
    const broken = join(folder, 'broken.json');
    await writeFile(broken, '{"Resources": {"Fn": {"Type": "AWS::Serverless::Function", "Properties": {"Nope": 1}}}}');
    expect(runSam('validate', '--template', broken).status).not.toBe(0);
  });
});
