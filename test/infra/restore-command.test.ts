import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { profileNames } from '../../lib/profiles/profiles.ts';
import { deploymentOf } from './deployment.ts';

const operations = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');

/** By what a restored cluster gets each property of the template; what the backup itself brings has no option. */
const options: Readonly<Record<string, string | undefined>> = {
  BackupRetentionPeriod: '--backup-retention-period 7',
  CopyTagsToSnapshot: '--copy-tags-to-snapshot',
  DBClusterParameterGroupName: '--db-cluster-parameter-group-name',
  DBSubnetGroupName: '--db-subnet-group-name',
  DatabaseName: undefined,
  DeletionProtection: '--deletion-protection',
  EnableHttpEndpoint: 'aws rds enable-http-endpoint',
  EnableIAMDatabaseAuthentication: '--enable-iam-database-authentication',
  Engine: undefined,
  EngineVersion: undefined,
  KmsKeyId: '--kms-key-id',
  MasterUserPassword: undefined,
  MasterUsername: undefined,
  Port: undefined,
  ServerlessV2ScalingConfiguration: 'MinCapacity=0,MaxCapacity=8,SecondsUntilAutoPause=300',
  StorageEncrypted: undefined,
  VpcSecurityGroupIds: '--vpc-security-group-ids',
};

test('the documented restore gives the new cluster all that the template of a team sets', () => {
  const [cluster] = deploymentOf('team').resources('AWS::RDS::DBCluster');
  const properties = cluster!.properties;
  expect(Object.keys(options)).toEqual(expect.arrayContaining(Object.keys(properties)));
  const missing = Object.keys(properties).filter((name) => !operations.includes(options[name] ?? ''));
  expect(missing).toEqual([]);
  const capacity = properties.ServerlessV2ScalingConfiguration as Record<string, number>;
  const said = Object.entries(capacity).map(([name, value]) => `${name}=${value}`);
  expect(said.sort()).toEqual(options.ServerlessV2ScalingConfiguration!.split(',').sort());
  expect(options.BackupRetentionPeriod).toMatch(new RegExp(` ${properties.BackupRetentionPeriod}$`));
});

describe.each(profileNames)('the documented restore of %s', (profile) => {
  const { resources, functions } = deploymentOf(profile);

  test('encrypts with the key of the deployment, and protects only what was protected', () => {
    for (const { properties } of resources('AWS::RDS::DBCluster')) {
      expect(properties).toMatchObject({ KmsKeyId: expect.anything(), DeletionProtection: false });
    }
  });

  test('stops every function with SQL but those that it needs', () => {
    const stopped = [...operations.matchAll(/\$\(functions (\w+)-?([A-Z]\w*)?\)/g)].map(([, start]) => start);
    expect(new Set(stopped)).toEqual(new Set(['TidemarkApi', 'TidemarkMaintenance']));
    const left = functions.filter(
      ({ path, environment }) => 'SHARD_MAP' in environment && !/^Tidemark(Api\/|Maintenance\/Gc)/.test(path),
    );
    expect(left.map(({ name }) => name).sort()).toEqual(['Admin', 'Migrate', 'Relay']);
  });
});
