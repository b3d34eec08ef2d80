/*
 * What sets functions off without a request, as AWS does it: batches of the sync stream, schedules, and custom
 * resources.
 */

import { LocalError } from '../errors.ts';
import { isObject } from '../json.ts';
import { missingPollerCalls } from '../lambda/own-calls.ts';
import type { LambdaService } from '../lambda/service.ts';
import type { Identities, Principal, Resource, Services } from '../types.ts';
import { demandRoute, type Network, placementOf } from '../vpc/network.ts';
import { type KafkaMapping, missingReadActions, readMapping, startMapping } from './kafka-mapping.ts';

/** Starts all event source mappings of the assembly, after a check that each could read in AWS. */
export async function startMappings(options: {
  readonly resources: readonly Resource[];
  readonly services: Services;
  readonly identities: Identities;
  readonly lambda: LambdaService;
  readonly network: Network;
}): Promise<{ stop(): Promise<void> }> {
  const { resources, identities, lambda, network } = options;
  const running: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((mapping) => mapping.stop()));
  };
  try {
    for (const resource of resources.filter(({ type }) => type === 'AWS::Lambda::EventSourceMapping')) {
      const mapping = readMapping(resource);
      if (!mapping) continue;
      const definition = lambda.find(mapping.functionName);
      if (!definition) throw new LocalError('Template', `${mapping.logicalId}: there is no ${mapping.functionName}`);
      demandGrants(mapping, definition.principal, identities);
      demandPollersWay(mapping, resource, resources, network);
      const { stream } = options.services;
      const brokers = `b-1.${mapping.clusterArn.split('/')[1] ?? 'cluster'}.kafka.amazonaws.com:9098`;
      const { principal } = definition;
      running.push(await startMapping(mapping, { stream, principal, brokers, invoke: lambda.invoke }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

function demandGrants(mapping: KafkaMapping, principal: Principal, identities: Identities): void {
  const missing = missingReadActions(mapping, (action, resource) => {
    try {
      identities.authorize(principal, action, resource);
      return true;
    } catch {
      return false;
    }
  });
  missing.push(...missingPollerCalls(identities.authorize, principal, mapping.clusterArn));
  if (missing.length === 0) return;
  const list = missing.join(', ');
  throw new LocalError(
    'AccessDenied',
    `${principal.name} may not read ${mapping.topic}: its role in lib/ lacks ${list}`,
  );
}

/** On-demand pollers sit in the cluster's subnets and groups and need ways to Lambda, STS and the brokers from there. */
function demandPollersWay(
  mapping: KafkaMapping,
  { properties }: Resource,
  resources: readonly Resource[],
  network: Network,
): void {
  const cluster = resources.find(
    ({ type, attributes }) => type === 'AWS::MSK::Cluster' && attributes.Arn === mapping.clusterArn,
  );
  const nodes = cluster?.properties.BrokerNodeGroupInfo;
  if (!isObject(nodes)) return;
  const placement = placementOf(nodes.ClientSubnets, nodes.SecurityGroups);
  const name = `the poller of ${mapping.logicalId}`;
  const services = properties.ProvisionedPollerConfig === undefined ? ['lambda', 'sts'] : [];
  for (const service of [...services, 'kafka-cluster']) demandRoute(network.obstacle(name, placement, service));
}
