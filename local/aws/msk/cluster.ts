import { createHash } from 'node:crypto';
import type { AccountFigures } from '../../account.ts';
import { ACCOUNT, type Provider, REGION } from '../../types.ts';
import type { Access } from '../access.ts';
import { AwsError } from '../errors.ts';
import { sendJson } from '../http.ts';
import { type JsonApi, unknownOperation } from '../json-api.ts';
import type { TopicStream } from '../stream/topics.ts';

export interface Msk {
  readonly api: JsonApi;
  readonly providers: Readonly<Record<string, Provider>>;
  /** The ARN that kafka-cluster:Connect is granted on; undefined before the template's cluster exists. */
  clusterArn(): string | undefined;
  topicArn(topic: string): string;
}

const WEEK_MS = 604_800_000;

/** A UUID of the form that MSK's ARNs end with, the same at every start. */
function clusterUuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32), '1'].join('-');
}

/** `retention.ms` of a topic's Configs, which CloudFormation takes as base64 of a properties file. */
function retentionOf(configs: unknown): number {
  const text = Buffer.from(String(configs ?? ''), 'base64').toString();
  return Number(/^retention\.ms\s*=\s*(-?\d+)\s*$/m.exec(text)?.[1] ?? WEEK_MS);
}

/** AWS::MSK resources over the stream, and the calls of the MSK API that deployments make, and who looks before one. */
export function createMsk(
  stream: TopicStream,
  broker: string,
  { access, account }: { readonly access: Access; readonly account: AccountFigures },
): Msk {
  let arn: string | undefined;
  return {
    clusterArn: () => arn,
    topicArn: (topic) => `${arn?.replace(':cluster/', ':topic/')}/${topic}`,
    providers: {
      'AWS::MSK::Cluster': ({ properties, physicalName }) => {
        const name = String(properties.ClusterName ?? physicalName);
        arn = `arn:aws:kafka:${REGION}:${ACCOUNT}:cluster/${name}/${clusterUuid(name)}`;
        return { ref: arn, attributes: { Arn: arn, CurrentVersion: '1' } };
      },
      'AWS::MSK::Configuration': ({ properties, physicalName }) => {
        const id = `arn:aws:kafka:${REGION}:${ACCOUNT}:configuration/${properties.Name ?? physicalName}/1`;
        return { ref: id, attributes: { Arn: id, 'LatestRevision.Revision': 1 } };
      },
      'AWS::MSK::ClusterPolicy': ({ properties }) => ({ ref: String(properties.ClusterArn), attributes: {} }),
      'AWS::MSK::Topic': async ({ properties, logicalId }) => {
        const { TopicName, PartitionCount, Configs, ClusterArn } = properties;
        if (ClusterArn !== arn) throw new Error(`${logicalId}: the local cloud has no MSK cluster ${ClusterArn}.`);
        const topic = {
          name: String(TopicName),
          partitions: Number(PartitionCount),
          retentionMs: retentionOf(Configs),
        };
        await stream.createTopic(topic);
        const topicArn = `${arn?.replace(':cluster/', ':topic/')}/${topic.name}`;
        return { ref: topicArn, attributes: { TopicArn: topicArn, Arn: topicArn } };
      },
    },
    api: {
      service: 'kafka',
      async handle({ request, response, principal }) {
        const path = decodeURIComponent(request.url ?? '');
        if (request.method === 'GET' && path.startsWith('/api/v2/clusters')) {
          access.demand(principal, 'kafka:ListClustersV2', '*');
          const listed = account.kafkaClusters.map((clusterName) => ({ clusterName }));
          return sendJson(response, 200, { clusterInfoList: listed });
        }
        const named = /^\/v1\/clusters\/(.+)\/bootstrap-brokers$/.exec(path)?.[1];
        if (request.method !== 'GET' || !named) throw unknownOperation('Kafka', `${request.method} ${path}`);
        access.demand(principal, 'kafka:GetBootstrapBrokers', named);
        if (named !== arn) throw new AwsError('NotFoundException', `There is no cluster ${named}.`, 404);
        sendJson(response, 200, { bootstrapBrokerStringSaslIam: broker });
      },
    },
  };
}
