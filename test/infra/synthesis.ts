import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { profileNames } from '../../lib/profiles/profiles.ts';
import { createStacks } from '../../lib/tidemark.ts';
import { ASSEMBLIES } from './synthesis-folder.ts';

/**
 * Synthesizes every profile once for all test files, with the context of cdk.json; only dev gets bundles, since they are
 * the same in all. What CloudFormation would refuse, or cdk-nag finds and nobody has argued, ends the run here.
 */
export default function setup(): void {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-infra-'));
  process.env[ASSEMBLIES] = folder;
  for (const profile of profileNames) synthesize(profile, join(folder, profile), { bundles: profile === 'dev' });
}

interface Synthesis {
  /** Whether assets hold what is deployed, or only the sources. @default false */
  readonly bundles?: boolean;
  /** Keys beside those of cdk.json. @default - none */
  readonly context?: Readonly<Record<string, unknown>>;
  /** What is different from the app as it is. @default - nothing */
  readonly change?: (app: App) => void;
}

/** @throws Error with every finding of the validations */
export function synthesize(
  profile: string,
  outdir: string,
  { bundles = false, context: given = {}, change }: Synthesis = {},
): void {
  const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8'));
  const settings = {
    profile,
    'aws:cdk:bundling-stacks': bundles ? ['**'] : [],
    'aws:cdk:enable-path-metadata': true,
  };
  const app = new App({ outdir, context: { ...context, ...settings, ...given } });
  createStacks(app);
  change?.(app);
  app.synth();
}
