import { runtimeProviders } from '../../../local/cloud/providers.ts';
import type { Stack } from '../../../local/template/assembly.ts';
import { prepare } from '../../../local/template/provision.ts';
import type { Provider, Resource } from '../../../local/types.ts';

const cluster: Provider = ({ physicalName }) => {
  const Arn = `arn:aws:kafka:us-east-1:000000000000:cluster/${physicalName}/id`;
  return { ref: Arn, attributes: { Arn } };
};

const alias: Provider = ({ logicalId }) => ({ ref: arn(logicalId), attributes: {} });

const database: Provider = ({ logicalId, physicalName }) => ({
  ref: physicalName,
  attributes: {
    'Endpoint.Port': 5432,
    'Endpoint.Address': logicalId,
    DBClusterArn: arn(logicalId),
    DBClusterResourceId: logicalId,
  },
});

/** Stands for a resource whose attributes only have to be told apart: each is its own name, or an ARN with it. */
const named: Provider = ({ logicalId, physicalName }) => ({
  ref: physicalName,
  attributes: new Proxy(
    {},
    { get: (_, name) => (String(name).endsWith('Arn') ? arn(logicalId) : `${logicalId}.${String(name)}`) },
  ),
});

function arn(name: string): string {
  return `arn:aws:service:us-east-1:000000000000:kind:${name}`;
}

/** All resources of the templates with every reference resolved, as the local cloud resolves them, and nothing run. */
export async function provision(stacks: readonly Stack[]): Promise<Resource[]> {
  const providers: Record<string, Provider> = {
    ...runtimeProviders({ HTTP: 443, WEBSOCKET: 444 }),
    'AWS::MSK::Cluster': cluster,
    'AWS::Lambda::Alias': alias,
    'AWS::RDS::DBCluster': database,
  };
  const provisioning = prepare({ stacks, assets: new Map() }, (type) => providers[type] ?? named);
  await provisioning.run();
  return [...provisioning.resources.values()];
}
