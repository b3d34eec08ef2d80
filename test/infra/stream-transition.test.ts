import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Size } from 'aws-cdk-lib';
import type { Profile, StreamProfile } from '../../lib/profiles/profile.ts';
import { profileNamed } from '../../lib/profiles/profiles.ts';
import { validated } from '../../lib/profiles/validate-profile.ts';
import { NetworkStack } from '../../lib/stacks/network-stack.ts';
import { StreamStack } from '../../lib/stacks/stream-stack.ts';
import { changesBetween, refusalsOf } from './checks/transition.ts';
import { type Deployment, deploymentIn } from './deployment.ts';

// What docs/operations.md, "Grow", promises of brokers and zones, which a profile has and no context.

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const team = profileNamed('team');
const now = built(team);

/** The network, and the brokers in it. */
function built(profile: Profile): Deployment {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-stream-'));
  folders.push(folder);
  const app = new App({ outdir: folder, context: { 'aws:cdk:enable-path-metadata': true } });
  const network = new NetworkStack(app, 'TidemarkNetwork', { profile });
  new StreamStack(app, 'TidemarkStream', { profile: validated('grown', profile), network });
  app.synth();
  return deploymentIn(folder);
}

test.each<[what: string, stream: Partial<StreamProfile>]>([
  ['more brokers', { brokers: 4 }],
  ['larger brokers', { instanceType: 'kafka.m7g.large' }],
  ['larger disks', { storage: Size.gibibytes(100) }],
])('%s change the cluster in place', (_, stream) => {
  const grown = built({ ...team, stream: { ...team.stream, ...stream } });
  const changes = changesBetween(now, grown);
  expect(changes.filter(({ kind }) => kind !== 'updated')).toEqual([]);
  expect(changes.map(({ id }) => id)).toContain('TidemarkStream.Cluster');
  expect(refusalsOf(now, grown)).toEqual([]);
});

test('a third zone adds subnets, and has brokers and topic built anew under another name', () => {
  const grown = built({ ...team, zones: 3, stream: { ...team.stream, brokers: 3 } });
  const changes = changesBetween(now, grown);
  const replaced = changes.filter(({ kind }) => kind === 'replaced').map(({ id }) => id);
  expect(replaced.sort()).toEqual(['TidemarkStream.Cluster', 'TidemarkStream.FileChanged']);
  expect(changes.filter(({ kind }) => kind === 'gone')).toEqual([]);
  expect(changes).toContainEqual(expect.objectContaining({ type: 'AWS::EC2::Subnet', kind: 'new' }));
  expect(refusalsOf(now, grown)).toEqual([]);
});
