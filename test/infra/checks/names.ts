import type { Deployment } from '../deployment.ts';

type Properties = Readonly<Record<string, unknown>>;

/** Under which key CloudFront's resources hold their names, which the account has once, in all its regions. */
const global = {
  'AWS::CloudFront::ResponseHeadersPolicy': 'ResponseHeadersPolicyConfig',
  'AWS::CloudFront::CachePolicy': 'CachePolicyConfig',
  'AWS::CloudFront::OriginAccessControl': 'OriginAccessControlConfig',
  'AWS::CloudFront::KeyGroup': 'KeyGroupConfig',
  'AWS::CloudFront::PublicKey': 'PublicKeyConfig',
};

function globalNames({ resources }: Deployment): { id: string; name: string }[] {
  return Object.entries(global).flatMap(([type, key]) =>
    resources(type).map(({ id, properties }) => ({ id, name: JSON.stringify((properties[key] as Properties).Name) })),
  );
}

/** All names that AWS takes once in an account, or in an account and region. */
export function takenNames(deployment: Deployment): string[] {
  const named = (type: string, key: string) =>
    deployment.resources(type).map(({ properties }) => `${type} ${JSON.stringify(properties[key])}`);
  return [
    ...deployment.stacks.map(({ name }) => name),
    ...named('AWS::MSK::Cluster', 'ClusterName'),
    ...named('AWS::SSM::Parameter', 'Name'),
    ...globalNames(deployment).map(({ name }) => name),
  ];
}

/** Names by which a second region of the account could not have the service. */
export function nameProblems(deployment: Deployment): string[] {
  return globalNames(deployment)
    .filter(({ name }) => !name.includes('AWS::Region'))
    .map(({ id, name }) => `${id} is named ${name} in all regions: another one with that name already exists there`);
}

/** Alarms that ring before there is anything to watch. */
export function alarmProblems({ resources }: Deployment): string[] {
  return resources('AWS::CloudWatch::Alarm')
    .filter(({ properties }) => properties.TreatMissingData === 'breaching')
    .map(({ id }) => `${id} rings in every new deployment, until its first figure comes`);
}
