import { GetBootstrapBrokersCommand, KafkaClient } from '@aws-sdk/client-kafka';
import * as z from 'zod';
import { customResource } from '../shared/runtime/custom-resource.ts';

const Properties = z.object({ ClusterArn: z.string() });

/** Custom resource: the IAM bootstrap brokers of the MSK cluster, which CloudFormation has no attribute for. */
export const handler = customResource(async (properties) => {
  const { ClusterArn } = Properties.parse(properties);
  const { BootstrapBrokerStringSaslIam } = await new KafkaClient({}).send(
    new GetBootstrapBrokersCommand({ ClusterArn }),
  );
  if (!BootstrapBrokerStringSaslIam)
    throw new Error('the cluster has no IAM listener: turn on IAM client authentication');
  return { Brokers: BootstrapBrokerStringSaslIam };
});
