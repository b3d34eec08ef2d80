import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type Admin, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { publisher } from '../../lambdas/shared/stream/publisher.ts';
import { loadTls } from '../../local/tls.ts';
import { FileChanged } from '../../protocol/file-changed.ts';
import { bearerToken, type KafkaBroker, kafkaIsPossible, startKafka } from '../support/kafka/broker.ts';
import { readTopic } from '../support/kafka/read-topic.ts';
import { scratch } from '../support/scratch.ts';

/* What the relay publishes with, against brokers that ask for TLS and a token as those of MSK do. */

vi.mock('../../lambdas/shared/stream/stream-token.ts', () => ({ streamToken: async () => bearerToken() }));

const PARTITIONS = 64;
/** For a broker that starts among other tests. */
const PATIENCE_MS = 90_000;

describe.runIf(kafkaIsPossible)('the relay’s producer on Apache Kafka', () => {
  let kafka: KafkaBroker;
  let admin: Admin;
  let topic: string;
  /** The id of the broker that joined. */
  let joined: number | undefined;
  const users = Array.from({ length: 20 }, () => randomUUID());
  let cursor: number;

  beforeAll(async () => {
    const tls = await loadTls(await scratch('tidemark-kafka-'));
    setDefaultCACertificates([...getCACertificates('default'), tls.ca]);
    kafka = await startKafka({ tls });
    admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('STREAM_BROKERS', kafka.withToken.join(','));
  });
  afterAll(async () => {
    await admin?.disconnect();
    await kafka?.stop();
    vi.unstubAllEnvs();
  });

  /** By any broker, or each partition by the one that is told. */
  async function newTopic(leaderOf?: (partition: number) => number): Promise<void> {
    [topic, cursor] = [`file-changed-${randomUUID()}`, 0];
    vi.stubEnv('STREAM_TOPIC', topic);
    const partitions = leaderOf ? { replicaAssignment: assignment(leaderOf) } : { numPartitions: PARTITIONS };
    await admin.createTopics({ topics: [{ topic, ...partitions }], waitForLeaders: false });
    await size();
  }

  /** How many messages the topic holds, once each partition has a leader that knows of it. */
  async function size(): Promise<number> {
    const ends = await vi.waitFor(() => admin.fetchTopicOffsets(topic), { timeout: PATIENCE_MS });
    return ends.reduce((sum, { high }) => sum + Number(high), 0);
  }

  /** From now on, and after a while, one broker leads all partitions. */
  async function giveTo(leader: number): Promise<void> {
    await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: assignment(() => leader) }] });
  }

  async function isWith(leader: number): Promise<boolean> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]!.partitions.every((partition) => partition.leader === leader);
  }

  /** One event of each user, as often as it takes: a broker takes its time to start. Answers how often that was. */
  async function publish(): Promise<number> {
    cursor++;
    const events = users.map((user_id) => event(user_id, cursor));
    const end = performance.now() + PATIENCE_MS;
    for (let times = 1; ; times++) {
      const failure = await publisher.publish(events).catch((error: Error) => error);
      if (!failure) return times;
      if (performance.now() > end) throw failure;
    }
  }

  /** Reads all that the topic holds. */
  async function read(): Promise<KafkaMessage[]> {
    const seen: KafkaMessage[] = [];
    const count = await size();
    await readTopic(kafka.brokers, topic, (message) => seen.push(message) >= count);
    return seen;
  }

  /** The cursors of each user in the order of the topic. */
  async function published(): Promise<number[][]> {
    const messages = await read();
    const cursors = Map.groupBy(
      messages.map(({ value }) => FileChanged.parse(JSON.parse(String(value)))),
      ({ user_id }) => user_id,
    );
    return users.map((user) => cursors.get(user)?.map((each) => each.cursor) ?? []);
  }

  test('is known to the brokers by a number, and compresses what is more than one event', async () => {
    await newTopic();
    const many = Array.from({ length: 500 }, (_, nth) => event(users[0]!, nth + 1));
    await publisher.publish(many);
    expect(await kafka.bytesOf(topic)).toBeLessThan(JSON.stringify(many).length / 4);
    const [message] = await read();
    const { batchContext } = message as KafkaMessage & { batchContext: { producerId: string } };
    expect(Number(batchContext.producerId)).toBeGreaterThanOrEqual(0);
  });

  test('goes on when its connection died while the function was frozen, and nobody was told', async () => {
    await newTopic();
    await publish();
    kafka.abandon();
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(await publish()).toBe(1);
    vi.useRealTimers();
    expect(await published()).toEqual(users.map(() => [1, 2]));
  });

  test('loses nothing when the broker is killed and started again, and keeps the order of each user', async () => {
    await newTopic();
    await publish();
    await kafka.kill();
    const waiting = publish();
    await kafka.restart();
    await waiting;
    await publish();
    expect((await published()).map((cursors) => [...new Set(cursors)])).toEqual(users.map(() => [1, 2, 3]));
  });

  test('publishes each event once, in order, while another broker becomes the leader of all partitions', async () => {
    await newTopic();
    for (let round = 0; round < 3; round++) await publish();
    joined ??= await kafka.addBroker();
    await giveTo(joined);
    do {
      expect(await publish()).toBe(1);
      // The brokers have a copy to make, by the same processors.
      await sleep(100);
    } while (!(await isWith(joined)));
    for (let round = 0; round < 3; round++) expect(await publish()).toBe(1);
    expect(await published()).toEqual(users.map(() => Array.from({ length: cursor }, (_, nth) => nth + 1)));
  });

  test('publishes each event once when what one broker refuses is led by another that has taken its part by then', async () => {
    joined ??= await kafka.addBroker();
    const other = joined;
    await newTopic((partition) => (partition % 2 === 0 ? 1 : other));
    await publish();
    await giveTo(other);
    await vi.waitUntil(() => isWith(other), { timeout: PATIENCE_MS });
    expect(await publish()).toBe(1);
    expect(await published()).toEqual(users.map(() => [1, 2]));
  });
});

function assignment(leaderOf: (partition: number) => number): { partition: number; replicas: number[] }[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, replicas: [leaderOf(partition)] }));
}

function event(user_id: string, cursor: number): FileChanged {
  const file_path = `folder/photo ${cursor}.jpg`;
  const [version_id, origin_device] = [randomUUID(), user_id];
  return {
    user_id,
    file_path,
    version: 1,
    change_type: 'create',
    timestamp: Date.now(),
    cursor,
    version_id,
    origin_device,
  };
}
