import type { Deployment } from '../deployment.ts';

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
  'TidemarkMetadata.DatabaseClusterACluster76CD8AD5',
  'TidemarkMetadata.DatabaseClusterAClusterSubnets85A47A72',
  'TidemarkMetadata.DatabaseClusterAClusterWriterD58848DE',
  'TidemarkMetadata.Key961B73FD',
  'TidemarkMetadata.TidemarkMetadataDatabaseClusterAClusterSecretE3A392DA3fdaad7efa858a3daf9490cf0a702aeb',
  'TidemarkNetwork.Vpc8378EB38',
  'TidemarkNetwork.VpcIsolatedSubnet1SubnetE48C5737',
  'TidemarkNetwork.VpcIsolatedSubnet2Subnet16364B91',
  'TidemarkNotification.Connections827CEF2F',
  'TidemarkNotification.SocketFF70B135',
  'TidemarkNotification.Tickets83B11BB2',
  'TidemarkStream.Cluster',
  'TidemarkStream.FileChanged',
];

const withReader = ['TidemarkMetadata.DatabaseClusterAClusterReader12E97A94B'];

const expected: Record<string, readonly string[]> = {
  dev: everywhere,
  team: [...everywhere, ...withReader],
  internet: [
    ...everywhere,
    ...withReader,
    'TidemarkMetadata.DatabaseClusterBCluster2DCBAEDB',
    'TidemarkMetadata.DatabaseClusterBClusterReader19B7682B5',
    'TidemarkMetadata.DatabaseClusterBClusterSubnets9F6EDDB2',
    'TidemarkMetadata.DatabaseClusterBClusterWriterC9DA4F20',
    'TidemarkMetadata.DatabaseClusterCCluster2EAA9240',
    'TidemarkMetadata.DatabaseClusterCClusterReader138ABBB14',
    'TidemarkMetadata.DatabaseClusterCClusterSubnets6AF3734C',
    'TidemarkMetadata.DatabaseClusterCClusterWriter13E30097',
    'TidemarkMetadata.DatabaseClusterDCluster03FA8246',
    'TidemarkMetadata.DatabaseClusterDClusterReader106360FB7',
    'TidemarkMetadata.DatabaseClusterDClusterSubnetsA621659E',
    'TidemarkMetadata.DatabaseClusterDClusterWriter1178A161',
    'TidemarkMetadata.TidemarkMetadataDatabaseClusterBClusterSecret49FAA02D3fdaad7efa858a3daf9490cf0a702aeb',
    'TidemarkMetadata.TidemarkMetadataDatabaseClusterCClusterSecretA43F63953fdaad7efa858a3daf9490cf0a702aeb',
    'TidemarkMetadata.TidemarkMetadataDatabaseClusterDClusterSecret84815F2B3fdaad7efa858a3daf9490cf0a702aeb',
    'TidemarkNetwork.VpcIsolatedSubnet3Subnet6840A2D4',
  ],
};

const explanation = `A logical id is how CloudFormation knows a resource. Under another one it makes a new, empty
resource and deletes the old one, or leaves it behind with everybody's data. Construct ids and the order of parents make
the logical id: put the construct back where it was, or give it its old id with overrideLogicalId(). Change this list
only for a resource that is new, or that is meant to go and whose data has been moved.`;

/** What happened to logical ids, with what it means. */
export function statefulIdProblems(profile: string, { resources }: Deployment): string[] {
  const ids = types.flatMap((type) => resources(type).map(({ id }) => id));
  const missing = expected[profile]!.filter((id) => !ids.includes(id));
  const added = ids.filter((id) => !expected[profile]!.includes(id));
  if (missing.length + added.length === 0) return [];
  return [`Gone: ${missing.join(', ') || 'none'}\nNew: ${added.join(', ') || 'none'}\n\n${explanation}`];
}
