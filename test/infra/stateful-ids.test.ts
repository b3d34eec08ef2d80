import { profileNames } from '../../lib/profiles.ts';
import { deploymentOf } from './deployment.ts';

/** Types of which CloudFormation would make a new, empty one, or which clients and grants know by their id. */
const types = [
  'AWS::ApiGatewayV2::Api',
  'AWS::CloudFront::Distribution',
  'AWS::Cognito::UserPool',
  'AWS::Cognito::UserPoolClient',
  'AWS::DynamoDB::Table',
  'AWS::EC2::VPC',
  'AWS::EC2::Subnet',
  'AWS::KMS::Key',
  'AWS::MSK::Cluster',
  'AWS::MSK::Topic',
  'AWS::RDS::DBCluster',
  'AWS::RDS::DBInstance',
  'AWS::RDS::DBSubnetGroup',
  'AWS::S3::Bucket',
  'AWS::SecretsManager::Secret',
];

const everywhere = [
  'TidemarkApi.Http36EFD62B',
  'TidemarkBlocks.AccessLogs8B620ECA',
  'TidemarkBlocks.Blocks32B0A367',
  'TidemarkBlocks.Cdn9963B1AD',
  'TidemarkBlocks.KeyAPrivateKey8D8C78D5',
  'TidemarkBlocks.KeyBPrivateKey7AB4FA1D',
  'TidemarkIdentity.Users0A0EEA89',
  'TidemarkIdentity.UsersClient3B43F2CF',
  'TidemarkMetadata.ClusterACluster87C188A7',
  'TidemarkMetadata.ClusterAClusterSubnetsFC010B00',
  'TidemarkMetadata.ClusterAClusterWriterBCE32547',
  'TidemarkMetadata.TidemarkMetadataClusterAClusterSecretE4F4BF6D3fdaad7efa858a3daf9490cf0a702aeb',
  'TidemarkNetwork.Vpc8378EB38',
  'TidemarkNetwork.VpcIsolatedSubnet1SubnetE48C5737',
  'TidemarkNetwork.VpcIsolatedSubnet2Subnet16364B91',
  'TidemarkNotification.Connections827CEF2F',
  'TidemarkNotification.SocketFF70B135',
  'TidemarkNotification.Tickets83B11BB2',
  'TidemarkStream.Cluster',
  'TidemarkStream.FileChanged',
];

const withReader = ['TidemarkMetadata.ClusterAClusterReader14B400154', 'TidemarkMetadata.Key961B73FD'];

const expected: Record<string, readonly string[]> = {
  dev: everywhere,
  team: [...everywhere, ...withReader],
  internet: [
    ...everywhere,
    ...withReader,
    'TidemarkMetadata.ClusterBCluster4D91A73D',
    'TidemarkMetadata.ClusterBClusterReader144F012AD',
    'TidemarkMetadata.ClusterBClusterSubnets909FE387',
    'TidemarkMetadata.ClusterBClusterWriter5307D633',
    'TidemarkMetadata.ClusterCClusterF8A50E6D',
    'TidemarkMetadata.ClusterCClusterReader1BF1E30EB',
    'TidemarkMetadata.ClusterCClusterSubnetsDF52345D',
    'TidemarkMetadata.ClusterCClusterWriter0FFD5DCD',
    'TidemarkMetadata.ClusterDCluster0999F405',
    'TidemarkMetadata.ClusterDClusterReader1C7D31E43',
    'TidemarkMetadata.ClusterDClusterSubnetsDF5814A7',
    'TidemarkMetadata.ClusterDClusterWriter1E6D3F64',
    'TidemarkMetadata.TidemarkMetadataClusterBClusterSecret56C73C893fdaad7efa858a3daf9490cf0a702aeb',
    'TidemarkMetadata.TidemarkMetadataClusterCClusterSecret6B4752583fdaad7efa858a3daf9490cf0a702aeb',
    'TidemarkMetadata.TidemarkMetadataClusterDClusterSecret219E00D63fdaad7efa858a3daf9490cf0a702aeb',
    'TidemarkNetwork.VpcIsolatedSubnet3Subnet6840A2D4',
  ],
};

const explanation = `A logical id is how CloudFormation knows a resource. Under another one it makes a new, empty
resource and deletes the old one, or leaves it behind with everybody's data. Construct ids and the order of parents make
the logical id: put the construct back where it was, or give it its old id with overrideLogicalId(). Change this list
only for a resource that is new, or that is meant to go and whose data has been moved.`;

describe.each(profileNames)('profile %s', (profile) => {
  const { resources } = deploymentOf(profile);
  const ids = types.flatMap((type) => resources(type).map(({ id }) => id));

  test('every resource that holds data or is known by its id keeps its logical id', () => {
    const missing = expected[profile]!.filter((id) => !ids.includes(id));
    const added = ids.filter((id) => !expected[profile]!.includes(id));
    if (missing.length + added.length === 0) return;
    throw new Error(`Gone: ${missing.join(', ') || 'none'}\nNew: ${added.join(', ') || 'none'}\n\n${explanation}`);
  });

  test('properties that would replace a resource with data are as they were', () => {
    const [stream] = resources('AWS::MSK::Cluster');
    const [topic] = resources('AWS::MSK::Topic');
    expect(stream!.properties.ClusterName).toBe(profile === 'internet' ? 'tidemark-express' : 'tidemark-standard');
    expect(topic!.properties).toMatchObject({
      TopicName: 'file-changed',
      ReplicationFactor: profile === 'internet' ? 3 : 2,
    });
    for (const { properties } of resources('AWS::RDS::DBCluster')) {
      expect(properties).toMatchObject({
        Engine: 'aurora-postgresql',
        DatabaseName: 'tidemark',
        StorageEncrypted: true,
        ...(profile !== 'dev' && { KmsKeyId: { 'Fn::GetAtt': ['Key961B73FD', 'Arn'] } }),
      });
    }
  });
});
