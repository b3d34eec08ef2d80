import { LocalError } from '../errors.ts';
import { isObject } from '../json.ts';
import type { InvokeResult, Principal, Resource, Stream, StreamRecord } from '../types.ts';

/** An AWS::Lambda::EventSourceMapping of an MSK topic, read from the template. */
export interface KafkaMapping {
  readonly logicalId: string;
  readonly functionName: string;
  readonly clusterArn: string;
  readonly topic: string;
  readonly group: string;
  readonly from: 'LATEST' | 'TRIM_HORIZON';
  readonly batchSize: number;
  readonly windowMs: number;
}

/** Lambda's defaults, and its limit for the payload of one invocation, in bytes. */
const BATCH_SIZE = 100;
const WINDOW_SECONDS = 0.5;
const MAX_PAYLOAD = 6 * 1024 * 1024;

const READ_ACTIONS = {
  cluster: ['Connect', 'DescribeClusterDynamicConfiguration'],
  topic: ['DescribeTopic', 'ReadData'],
  group: ['DescribeGroup', 'AlterGroup'],
} as const;

/** Reads a mapping; undefined if it is disabled. Throws on what the local cloud does not run. */
export function readMapping({ logicalId, ref, properties }: Resource): KafkaMapping | undefined {
  if (properties.Enabled === false) return undefined;
  const from = properties.StartingPosition;
  const topic = [properties.Topics ?? []].flat()[0];
  const clusterArn = String(properties.EventSourceArn);
  if (!clusterArn.includes(':kafka:') || topic === undefined || (from !== 'LATEST' && from !== 'TRIM_HORIZON')) {
    throw new LocalError('Template', `${logicalId}: only MSK topics from LATEST or TRIM_HORIZON are mapped locally`);
  }
  for (const unsupported of ['FilterCriteria', 'DestinationConfig', 'SourceAccessConfigurations']) {
    if (properties[unsupported] === undefined) continue;
    throw new LocalError('Template', `${logicalId}.${unsupported} is not run by the local cloud`);
  }
  const config = properties.AmazonManagedKafkaEventSourceConfig;
  return {
    logicalId,
    functionName: String(properties.FunctionName),
    clusterArn,
    topic: String(topic),
    group: String((isObject(config) ? config.ConsumerGroupId : undefined) ?? ref),
    from,
    batchSize: Number(properties.BatchSize ?? BATCH_SIZE),
    windowMs: Number(properties.MaximumBatchingWindowInSeconds ?? WINDOW_SECONDS) * 1000,
  };
}

/** The kafka-cluster actions that a mapping reads with and that the function's role does not hold, with resources. */
export function missingReadActions(
  { clusterArn, topic, group }: KafkaMapping,
  mayDo: (action: string, resource: string) => boolean,
): string[] {
  const resources = {
    cluster: clusterArn,
    topic: `${clusterArn.replace(':cluster/', ':topic/')}/${topic}`,
    group: `${clusterArn.replace(':cluster/', ':group/')}/${group}`,
  };
  const needed = Object.entries(READ_ACTIONS).flatMap(([kind, actions]) =>
    actions.map((action) => [`kafka-cluster:${action}`, resources[kind as keyof typeof resources]] as const),
  );
  return needed.filter(([action, resource]) => !mayDo(action, resource)).map((pair) => pair.join(' on '));
}

/** The event of an MSK mapping (`MSKEvent`). */
function kafkaEvent(clusterArn: string, brokers: string, records: readonly StreamRecord[]): object {
  const byPartition = Object.groupBy(records, ({ topic, partition }) => `${topic}-${partition}`);
  const entries = Object.entries(byPartition).map(([name, list]) => [
    name,
    (list ?? []).map(({ topic, partition, offset, timestamp, key, value }) => ({
      topic,
      partition,
      offset,
      timestamp,
      timestampType: 'CREATE_TIME',
      ...(key && { key: key.toString('base64') }),
      value: value.toString('base64'),
      headers: [],
    })),
  ]);
  const batches = Object.fromEntries(entries);
  return { eventSource: 'aws:kafka', eventSourceArn: clusterArn, bootstrapServers: brokers, records: batches };
}

/** Cuts a batch where its event would exceed Lambda's payload; order stays. */
function cutToFit(records: readonly StreamRecord[]): StreamRecord[][] {
  const pieces: StreamRecord[][] = [[]];
  let size = 0;
  for (const record of records) {
    // Base64 makes 4 characters of 3 bytes; 300 covers the other fields of a record.
    const cost = Math.ceil((record.value.length + (record.key?.length ?? 0)) / 3) * 4 + 300;
    if (size + cost > MAX_PAYLOAD && size > 0) {
      pieces.push([]);
      size = 0;
    }
    pieces.at(-1)?.push(record);
    size += cost;
  }
  return pieces;
}

/** Hands the topic's records to the function until stopped; the stream gives a batch that failed again. */
export async function startMapping(
  { clusterArn, functionName, topic, group, from, batchSize, windowMs }: KafkaMapping,
  services: {
    readonly stream: Stream;
    readonly principal: Principal;
    readonly brokers: string;
    readonly invoke: (functionName: string, payload: Buffer, mode: 'RequestResponse') => Promise<InvokeResult>;
  },
): Promise<{ stop(): Promise<void> }> {
  const deliver = async (records: readonly StreamRecord[]): Promise<void> => {
    const event = kafkaEvent(clusterArn, services.brokers, records);
    const result = await services.invoke(functionName, Buffer.from(JSON.stringify(event)), 'RequestResponse');
    if (!result.functionError) return;
    throw new Error(`${services.principal.name} failed: ${result.payload.toString('utf8').slice(0, 300)}`);
  };
  return await services.stream.consume({ topic, group, from, maxRecords: batchSize, windowMs }, async (records) => {
    for (const piece of cutToFit(records)) await deliver(piece);
  });
}
