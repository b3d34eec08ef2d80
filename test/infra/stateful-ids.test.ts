import { profileNames } from '../../lib/profiles/profiles.ts';
import { statefulIdProblems } from './checks/stateful-ids.ts';
import { deploymentOf } from './deployment.ts';

describe.each(profileNames)('profile %s', (profile) => {
  const { resources } = deploymentOf(profile);

  test('every resource that holds data or is known by its id keeps its logical id', () => {
    const problems = statefulIdProblems(profile, deploymentOf(profile));
    if (problems.length > 0) throw new Error(problems.join('\n'));
  });

  test('properties that would replace a resource with data are as they were', () => {
    const [stream] = resources('AWS::MSK::Cluster');
    const [topic] = resources('AWS::MSK::Topic');
    expect(stream!.properties.ClusterName).toBe(
      profile === 'internet' ? 'tidemark-express-3-zones' : 'tidemark-standard-2-zones',
    );
    expect(topic!.properties).toMatchObject({
      TopicName: 'file-changed',
      ReplicationFactor: profile === 'internet' ? 3 : 2,
    });
    for (const { properties } of resources('AWS::RDS::DBCluster')) {
      expect(properties).toMatchObject({
        Engine: 'aurora-postgresql',
        DatabaseName: 'tidemark',
        StorageEncrypted: true,
        KmsKeyId: { 'Fn::GetAtt': ['Key961B73FD', 'Arn'] },
      });
    }
  });
});
