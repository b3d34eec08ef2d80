import { cdnKinds } from '../../../preflight/cdn-names.ts';
import type { Deployment } from '../deployment.ts';

type Properties = Readonly<Record<string, unknown>>;

function globalNames({ resources }: Deployment): { id: string; name: string }[] {
  return Object.entries(cdnKinds).flatMap(([type, { config }]) =>
    resources(type).map(({ id, properties }) => ({
      id,
      name: JSON.stringify((properties[config] as Properties).Name),
    })),
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

/** What of CloudFront has a name that preflight would not look up. */
function unknownNames({ stacks }: Deployment): string[] {
  return stacks.flatMap(({ name, template }) =>
    Object.entries(template.Resources ?? {})
      .filter(([, { Type }]) => Type.startsWith('AWS::CloudFront::') && Type !== 'AWS::CloudFront::Distribution')
      .filter(([, { Type }]) => !(Type in cdnKinds))
      .map(([id, { Type }]) => `${name}.${id}: preflight/cdn-names.ts does not look up names of ${Type}`),
  );
}

/** Names by which a second region of the account could not have the service. */
export function nameProblems(deployment: Deployment): string[] {
  const fixed = globalNames(deployment)
    .filter(({ name }) => !name.includes('AWS::Region'))
    .map(({ id, name }) => `${id} is named ${name} in all regions: another one with that name already exists there`);
  return [...fixed, ...unknownNames(deployment)];
}

/** Alarms that ring before there is anything to watch. */
export function alarmProblems({ resources }: Deployment): string[] {
  return resources('AWS::CloudWatch::Alarm')
    .filter(({ properties }) => properties.TreatMissingData === 'breaching')
    .map(({ id }) => `${id} rings in every new deployment, until its first figure comes`);
}
