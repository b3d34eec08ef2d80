import { Match } from 'aws-cdk-lib/assertions';
import { bucketProblems } from './checks/buckets.ts';
import { deploymentOf } from './deployment.ts';

const { template, resources } = deploymentOf();

describe('sync stream', () => {
  test('the topic has 64 partitions and keeps seven days', () => {
    template('Stream').hasResourceProperties('AWS::MSK::Topic', {
      TopicName: 'file-changed',
      PartitionCount: 64,
      Configs: Buffer.from('retention.ms=604800000').toString('base64'),
    });
  });

  test('brokers accept IAM over TLS and nothing else', () => {
    template('Stream').hasResourceProperties('AWS::MSK::Cluster', {
      ClientAuthentication: { Sasl: { Iam: { Enabled: true } }, Unauthenticated: Match.absent() },
      EncryptionInfo: { EncryptionInTransit: { ClientBroker: 'TLS', InCluster: true } },
    });
  });

  test('notify hears at once of what is new, gc reads all there is', () => {
    template('Notification').hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      StartingPosition: 'LATEST',
      MaximumBatchingWindowInSeconds: 0,
      BatchSize: 500,
      Topics: ['file-changed'],
    });
    template('Maintenance').hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      StartingPosition: 'TRIM_HORIZON',
      MaximumBatchingWindowInSeconds: 5,
      BatchSize: 500,
      Topics: ['file-changed'],
    });
  });
});

describe('block store', () => {
  test('no bucket can be made public', () => {
    expect(bucketProblems(deploymentOf())).toEqual([]);
  });

  test('the bucket of blocks is versioned and open to TLS only', () => {
    template('Blocks').hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    });
    template('Blocks').hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });

  test('no lifecycle rule expires a current block: that is the work of gc', () => {
    template('Blocks').hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: [
          {
            Status: 'Enabled',
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
            NoncurrentVersionExpiration: { NoncurrentDays: 1 },
            ExpirationInDays: Match.absent(),
          },
        ],
      },
    });
  });

  test('the CDN reads it with its own identity, and only it', () => {
    template('Blocks').hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 's3:GetObject',
            Principal: { Service: 'cloudfront.amazonaws.com' },
            Condition: { StringEquals: { 'AWS:SourceArn': Match.anyValue() } },
          }),
        ]),
      },
    });
  });

  test('the CDN serves signed URLs only, from one of two keys, cacheable for ever', () => {
    const blocks = template('Blocks');
    blocks.resourceCountIs('AWS::CloudFront::PublicKey', 2);
    blocks.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: {
        DefaultCacheBehavior: { TrustedKeyGroups: [Match.anyValue()], ViewerProtocolPolicy: 'https-only' },
        CacheBehaviors: Match.absent(),
      },
    });
    blocks.hasResourceProperties('AWS::CloudFront::ResponseHeadersPolicy', {
      ResponseHeadersPolicyConfig: {
        CustomHeadersConfig: {
          Items: [{ Header: 'Cache-Control', Value: 'public, max-age=31536000, immutable', Override: true }],
        },
      },
    });
  });
});

describe('registry', () => {
  test.each(['Tickets', 'Connections'])('%s forgets by itself', (id) => {
    const tables = template('Notification').findResources('AWS::DynamoDB::Table');
    const table = Object.entries(tables).find(([logicalId]) => logicalId.startsWith(id))?.[1];
    expect(table?.Properties.TimeToLiveSpecification).toEqual({ AttributeName: 'expires_at', Enabled: true });
  });
});

test('migrations run after the users of every cluster exist and again when the SQL changes', () => {
  const { template } = deploymentOf('internet');
  template('Metadata').hasResource('Custom::DatabaseSchema', {
    Properties: { SqlHash: Match.stringLikeRegexp('^[0-9a-f]{64}$') },
    DependsOn: Match.arrayWith(['A', 'B', 'C', 'D'].map((letter) => `UsersOfCluster${letter}`)),
  });
});

describe('the metadata of the internet profile', () => {
  const internet = deploymentOf('internet');

  test('gives each of 64 shards, and the blocks, to one of its clusters', () => {
    const clusters = internet.resources('AWS::RDS::DBCluster');
    expect(clusters).toHaveLength(4);
    const { SHARD_MAP } = internet.functions.find(({ name }) => name === 'Finalize')!.environment;
    const text = (SHARD_MAP as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1]
      .map((part) => (typeof part === 'string' ? part : '1'))
      .join('');
    const map = JSON.parse(text) as { shards: Record<string, [number, number][]>; blocks: string };
    const shards = Object.values(map.shards).flatMap((ranges) =>
      ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index)),
    );
    expect(shards).toEqual(Array.from({ length: 64 }, (_, shard) => shard));
    expect(Object.keys(map.shards)).toEqual(['a', 'b', 'c', 'd']);
    expect(map.blocks).toBe('a');
  });
});

test('the operator may invoke one function and look after users, and nothing else', () => {
  const roles = resources('AWS::IAM::Role').filter(({ path }) => path.includes('/Operator/'));
  expect(roles).toHaveLength(1);
  const policies = resources('AWS::IAM::Policy').filter(({ path }) => path.includes('/Operator/'));
  const statements = policies.flatMap(
    ({ properties }) =>
      (properties.PolicyDocument as { Statement: { Action: string | string[]; Resource: unknown }[] }).Statement,
  );
  expect(statements.flatMap(({ Action }) => Action)).toEqual([
    'lambda:InvokeFunction',
    'cognito-idp:AdminCreateUser',
    'cognito-idp:AdminDisableUser',
    'cognito-idp:AdminEnableUser',
    'cognito-idp:AdminGetUser',
    'cognito-idp:AdminSetUserMFAPreference',
    'cognito-idp:AdminUserGlobalSignOut',
    'cognito-idp:GetUserPoolMfaConfig',
    'cognito-idp:ListUsers',
  ]);
  expect(JSON.stringify(statements[0]!.Resource)).toContain('Admin');
});

test.each([
  ['team', 'rate(1 hour)'],
  ['internet', 'rate(1 minute)'],
])('in %s the clock wakes gc every hour and relay at %s', (profile, rate) => {
  const { template } = deploymentOf(profile);
  const rules = Object.values(template('Maintenance').findResources('AWS::Events::Rule'));
  expect(rules.map(({ Properties }) => Properties.ScheduleExpression).sort()).toEqual(['rate(1 hour)', rate].sort());
});
