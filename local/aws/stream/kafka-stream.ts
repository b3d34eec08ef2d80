import { type Admin, type Consumer, type EachBatchPayload, Kafka, logLevel } from 'kafkajs';
import type { Log, StreamRecord } from '../../types.ts';
import type { TopicStream } from './topics.ts';

type Consumption = Parameters<TopicStream['consume']>[0];
type RecordHandler = Parameters<TopicStream['consume']>[1];

function toRecord(
  batch: EachBatchPayload['batch'],
  message: EachBatchPayload['batch']['messages'][number],
): StreamRecord {
  const { topic, partition } = batch;
  const { offset, timestamp, key, value } = message;
  const position = { topic, partition, offset: Number(offset), timestamp: Number(timestamp) };
  return { ...position, key, value: value ?? Buffer.alloc(0) };
}

/** Commits every batch that the handler resolves; a rejection makes kafkajs deliver it again after its back-off. */
async function deliver(
  { batch, resolveOffset, commitOffsetsIfNecessary, heartbeat, isRunning, isStale }: EachBatchPayload,
  maxRecords: number,
  handler: RecordHandler,
): Promise<void> {
  for (let at = 0; at < batch.messages.length; at += maxRecords) {
    if (!isRunning() || isStale()) return;
    const records = batch.messages.slice(at, at + maxRecords).map((message) => toRecord(batch, message));
    await handler(records);
    resolveOffset(String(records.at(-1)?.offset));
    await commitOffsetsIfNecessary({
      topics: [
        {
          topic: batch.topic,
          partitions: [{ partition: batch.partition, offset: String((records.at(-1)?.offset ?? 0) + 1) }],
        },
      ],
    });
    await heartbeat();
  }
}

/** Pins where a new group begins: its own first fetch would skip what arrives between its start and that fetch. */
async function startAtEnd(admin: Admin, consumer: Consumer, topic: string, groupId: string): Promise<void> {
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const isNew = new Set(committed?.partitions.filter(({ offset }) => offset === '-1').map((p) => p.partition));
  const ends = (await admin.fetchTopicOffsets(topic)).filter(({ partition }) => isNew.has(partition));
  const positions = ends.map(({ partition, high }) => ({ topic, partition, offset: high }));
  for (const position of positions) consumer.seek(position);
  if (positions.length > 0) await consumer.commitOffsets(positions);
}

/** Runs a consumer that has yet to connect, until its group has given it its partitions. */
async function runConsumer(
  admin: Admin,
  consumer: Consumer,
  { topic, group, from, maxRecords }: Consumption,
  handler: RecordHandler,
): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: from === 'TRIM_HORIZON' });
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: (payload) => deliver(payload, maxRecords, handler),
  });
  await joined;
  if (from === 'LATEST') await startAtEnd(admin, consumer, topic, group);
}

/** The sync stream on a real Kafka cluster, reached without TLS or sign-in, as on a developer's machine. */
export async function openKafkaStream(brokers: readonly string[], log: Log): Promise<TopicStream> {
  const kafka = new Kafka({
    clientId: 'tidemark-local-cloud',
    brokers: [...brokers],
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => log(`stream: kafka: ${entry.log.message}`),
    retry: { initialRetryTime: 250, maxRetryTime: 10_000, retries: 8 },
  });
  const admin = kafka.admin();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await Promise.all([admin.connect(), producer.connect()]).catch((error: unknown) => {
    const message = `No Kafka answers at ${brokers.join(', ')}: start it, or unset KAFKA_BROKERS to use the embedded stream.`;
    throw new Error(message, { cause: error });
  });
  const topics = new Map<string, number>();
  const consumers = new Set<Consumer>();

  return {
    partitions: (topic) => topics.get(topic),
    async createTopic({ name, partitions, retentionMs }) {
      const configEntries = [{ name: 'retention.ms', value: String(retentionMs) }];
      const topic = { topic: name, numPartitions: partitions, replicationFactor: 1, configEntries };
      await admin.createTopics({ topics: [topic], waitForLeaders: true });
      const { topics: found } = await admin.fetchTopicMetadata({ topics: [name] });
      topics.set(name, found[0]?.partitions.length ?? partitions);
    },
    async append(topic, partition, records) {
      const messages = records.map(({ key, value, timestamp }) => ({
        key,
        value,
        partition,
        timestamp: String(timestamp),
      }));
      const [answer] = await producer.send({ topic, messages, acks: -1 });
      return Number(answer?.baseOffset);
    },
    async consume(consumption, handler) {
      const { group, windowMs } = consumption;
      // Kafka's own batching: the broker answers at once (window 0), or when the window has passed.
      const batching = windowMs > 0 ? { minBytes: 1024 * 1024, maxWaitTimeInMs: windowMs } : { maxWaitTimeInMs: 1000 };
      const consumer = kafka.consumer({ groupId: group, ...batching });
      consumers.add(consumer);
      await runConsumer(admin, consumer, consumption, handler);
      return {
        async stop() {
          consumers.delete(consumer);
          await consumer.disconnect();
        },
      };
    },
    async stop() {
      await Promise.all([...consumers].map((consumer) => consumer.disconnect()));
      await Promise.all([producer.disconnect(), admin.disconnect()]);
    },
  };
}
