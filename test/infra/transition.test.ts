import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyingProblems, leftovers, retentionProblems } from './checks/retention.ts';
import { type Change, changesBetween, refusalsOf } from './checks/transition.ts';
import { type Deployment, deploymentIn, deploymentOf } from './deployment.ts';
import { synthesize } from './synthesis.ts';

// What docs/operations.md, "Grow", promises of each change, by what CloudFormation would do.

const operations = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'tidemark-transition-'));
afterAll(() => rmSync(folder, { recursive: true }));

function withContext(name: string, profile: string, context: Record<string, string>): Deployment {
  synthesize(profile, join(folder, name), { context });
  return deploymentIn(join(folder, name));
}

/** Types whose replacement would lose what they hold, or what devices know them by. */
const lasting =
  /^AWS::(RDS::DB(Cluster|Instance)|S3::Bucket|Cognito::|DynamoDB::Table|KMS::Key|EC2::(VPC|Subnet)$|ApiGatewayV2::Api$|CloudFront::Distribution)/;

function replaced(changes: readonly Change[]): string[] {
  return changes.flatMap(({ id, type, kind }) =>
    kind === 'replaced' && !/^Custom::|Lambda::(Permission|Version)/.test(type) ? [id] : [],
  );
}

function lost(changes: readonly Change[]): string[] {
  return changes.flatMap(({ id, type, kind }) =>
    kind !== 'new' && kind !== 'updated' && lasting.test(type) ? [id] : [],
  );
}

test('dev becomes team in place: nothing is replaced', () => {
  const [dev, team] = [deploymentOf('dev'), deploymentOf('team')];
  expect(replaced(changesBetween(dev, team))).toEqual([]);
  expect(lost(changesBetween(dev, team))).toEqual([]);
  expect(refusalsOf(dev, team)).toEqual([]);
});

test('team becomes internet: brokers and topic are built anew, and what reads them; all else stays', () => {
  const [team, internet] = [deploymentOf('team'), deploymentOf('internet')];
  const changes = changesBetween(team, internet);
  expect(replaced(changes).sort()).toEqual([
    expect.stringMatching(/^TidemarkMaintenance\.GcChanges/),
    expect.stringMatching(/^TidemarkNotification\.NotifyChanges/),
    'TidemarkStream.Cluster',
    'TidemarkStream.FileChanged',
  ]);
  expect(lost(changes)).toEqual([]);
  expect(refusalsOf(team, internet)).toEqual([]);
});

test('a team that is to be given up becomes one that leaves nothing, without replacing anything', () => {
  const team = deploymentOf('team');
  expect(leftovers(team)).not.toEqual([]);
  const last = withContext('last', 'team', { keep: 'false' });
  expect(replaced(changesBetween(team, last))).toEqual([]);
  expect(refusalsOf(team, last)).toEqual([]);
  expect([...leftovers(last), ...retentionProblems(last), ...emptyingProblems(last)]).toEqual([]);
}, 240_000);

test('dev leaves nothing when it is destroyed', () => {
  expect(leftovers(deploymentOf('dev'))).toEqual([]);
});

/** How docs/operations.md, "Destroy", calls what stays. */
const words: Readonly<Record<string, string>> = {
  'AWS::Cognito::UserPool': 'the user pool',
  'AWS::EC2::SecurityGroup': 'security groups',
  'AWS::EC2::Subnet': 'subnets',
  'AWS::EC2::VPC': 'the VPC',
  'AWS::KMS::Key': 'the key',
  'AWS::Logs::LogGroup': 'the log groups',
  'AWS::RDS::DBCluster': 'the database clusters without their instances',
  'AWS::RDS::DBClusterParameterGroup': 'their groups',
  'AWS::RDS::DBSubnetGroup': 'their groups',
  'AWS::S3::Bucket': 'both buckets',
  'AWS::SQS::Queue': 'the queue of failed runs',
  'AWS::SecretsManager::Secret': 'their secrets',
};

test.each(['team', 'internet'])('%s leaves what docs/operations.md says', (profile) => {
  const types = leftovers(deploymentOf(profile)).map((text) => /\((.*)\)$/.exec(text)![1]!);
  expect([...new Set(types)].sort()).toEqual(Object.keys(words));
  const row = operations.split('\n').find((line) => line.startsWith('| `team`, `internet` |'))!;
  expect(Object.values(words).filter((text) => !row.includes(text))).toEqual([]);
});

test('internet does not become team: what is imported cannot be taken away', () => {
  const refused = refusalsOf(deploymentOf('internet'), deploymentOf('team')).join('\n');
  for (const what of ['ClusterAProxy', 'ClusterBCluster', 'Subnet3']) {
    expect(refused).toMatch(new RegExp(`Cannot delete export .*${what}.* as it is in use`));
  }
});

test('clusters are added in place, and stay', () => {
  const two = withContext('two-clusters', 'team', { clusters: '2' });
  const changes = changesBetween(deploymentOf('team'), two);
  expect(replaced(changes)).toEqual([]);
  expect(lost(changes)).toEqual([]);
  expect(refusalsOf(deploymentOf('team'), two)).toEqual([]);
  expect(refusalsOf(two, deploymentOf('team')).join('\n')).toMatch(/Cannot delete export .*ClusterB.* as it is in use/);
}, 240_000);

test('other zones in place of those that there are would replace subnets, and so are documented as impossible', () => {
  const zones = (list: string) => withContext(list, 'dev', { zones: list });
  const [before, after] = [zones('us-east-1a,us-east-1b'), zones('us-east-1a,us-east-1c')];
  expect(lost(changesBetween(before, after))).toEqual([expect.stringMatching(/^TidemarkNetwork\.VpcIsolatedSubnet2/)]);
  expect(refusalsOf(before, after).join('\n')).toMatch(
    /Export TidemarkNetwork:.*Subnet2.* cannot be updated as it is in use/,
  );
}, 240_000);
