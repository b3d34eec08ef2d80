import { Match } from 'aws-cdk-lib/assertions';
import { profileNamed, profileNames } from '../../lib/profiles/profiles.ts';
import { emptyingProblems, exportProblems, retentionProblems } from './checks/retention.ts';
import { deploymentOf } from './deployment.ts';

/** Types that hold what users or operators would miss. */
const keepsData = ['AWS::S3::Bucket', 'AWS::RDS::DBCluster', 'AWS::Cognito::UserPool'];

test('an unknown profile is refused with the names of the known ones', () => {
  expect(() => profileNamed('production')).toThrow(/no profile "production": it is one of dev, team, internet/);
});

test('strangers do not share a deployment in which one learns what another has', () => {
  expect(profileNamed('internet').dedupScope).toBe('user');
});

describe.each(profileNames)('profile %s', (profile) => {
  const { template, resources } = deploymentOf(profile);
  const keeps = profile !== 'dev';

  test(keeps ? 'keeps all data' : 'keeps no data', () => {
    for (const type of keepsData) {
      const policies = new Set(resources(type).map(({ deletionPolicy }) => deletionPolicy));
      expect({ type, policies: [...policies] }).toEqual({
        type,
        policies: [keeps ? 'RetainExceptOnCreate' : 'Delete'],
      });
    }
    // A first deployment that fails has to be able to take them back.
    template('Metadata').hasResourceProperties('AWS::RDS::DBCluster', { DeletionProtection: false });
    template('Identity').hasResourceProperties('AWS::Cognito::UserPool', { DeletionProtection: 'INACTIVE' });
  });

  test('can be deleted: nothing goes that something kept uses, and no bucket with objects in it', () => {
    expect(retentionProblems(deploymentOf(profile))).toEqual([]);
    expect(emptyingProblems(deploymentOf(profile))).toEqual([]);
  });

  test('exports nothing that a documented change gives anew', () => {
    expect(exportProblems(deploymentOf(profile))).toEqual([]);
  });

  test('spreads its brokers evenly over the zones', () => {
    const { properties } = resources('AWS::MSK::Cluster')[0]!;
    const { ClientSubnets } = properties.BrokerNodeGroupInfo as { ClientSubnets: unknown[] };
    expect(Number(properties.NumberOfBrokerNodes) % ClientSubnets.length).toBe(0);
  });

  test('pauses the database or puts a proxy before it, not both', () => {
    const clusters = resources('AWS::RDS::DBCluster');
    const proxies = resources('AWS::RDS::DBProxy').length;
    for (const { properties } of clusters) {
      const { MinCapacity } = properties.ServerlessV2ScalingConfiguration as { MinCapacity: number };
      expect({ pauses: MinCapacity === 0, proxies }).toEqual(
        profile === 'internet' ? { pauses: false, proxies: clusters.length } : { pauses: true, proxies: 0 },
      );
    }
  });

  test('signs in to the database with IAM all the way', () => {
    template('Metadata').hasResourceProperties('AWS::RDS::DBCluster', { EnableIAMDatabaseAuthentication: true });
    for (const { properties } of resources('AWS::RDS::DBProxy')) {
      expect(properties).toMatchObject({ DefaultAuthScheme: 'IAM_AUTH', RequireTLS: true });
      expect(properties).not.toHaveProperty('Auth');
    }
  });

  test('has no NAT and no way to the internet', () => {
    expect(resources('AWS::EC2::NatGateway')).toEqual([]);
    expect(resources('AWS::EC2::InternetGateway')).toEqual([]);
  });

  test('has the endpoints that its functions and pollers call', () => {
    const network = template('Network');
    const interfaces = Object.values(
      network.findResources('AWS::EC2::VPCEndpoint', { Properties: { VpcEndpointType: 'Interface' } }),
    ).map(({ Properties }) => JSON.stringify(Properties.ServiceName).match(/\.(\w+)"\]\]/)?.[1]);
    // Provisioned pollers need neither STS nor the Lambda endpoint; finalize still needs the latter.
    expect(interfaces.sort()).toEqual(profile === 'internet' ? ['lambda'] : ['lambda', 'sts']);
    network.resourcePropertiesCountIs('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' }, 2);
  });

  test('polls on demand unless it pays for pollers', () => {
    for (const stack of ['Notification', 'Maintenance']) {
      template(stack).hasResourceProperties('AWS::Lambda::EventSourceMapping', {
        ProvisionedPollerConfig: profile === 'internet' ? Match.anyValue() : Match.absent(),
      });
    }
  });
});
