import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { profileNames } from '../../lib/profiles.ts';
import { createStacks } from '../../lib/tidemark.ts';
import { ASSEMBLIES } from './synthesis-folder.ts';

/**
 * Synthesizes every profile once for all test files: with the context of cdk.json, and without bundling, which no
 * assertion looks at. What CloudFormation would refuse, or cdk-nag finds and nobody has argued, ends the run here.
 */
export default function setup(): void {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-infra-'));
  process.env[ASSEMBLIES] = folder;
  for (const profile of profileNames) synthesize(profile, join(folder, profile));
}

export function synthesize(profile: string, outdir: string, change: (app: App) => void = () => {}): void {
  const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8'));
  const app = new App({
    outdir,
    context: { ...context, profile, 'aws:cdk:bundling-stacks': [], 'aws:cdk:enable-path-metadata': true },
  });
  createStacks(app);
  change(app);
  app.synth();
}
