import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Stream, StreamRecord } from '../../../local/types.ts';
import { type KafkaBroker, kafkaIsPossible, startKafka } from '../../support/kafka/broker.ts';
import { type Fixture, startFixture } from './fixture.ts';

const PARTITIONS = 4;
const record = (value: string, key: string | null = null) => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  timestamp: Date.now(),
});

/** Collects what a group is given until it has seen `count` values. */
async function collect(
  stream: Stream,
  options: { topic: string; group: string; from: 'LATEST' | 'TRIM_HORIZON'; maxRecords?: number; windowMs?: number },
  handler: (records: readonly StreamRecord[]) => Promise<void> = async () => undefined,
) {
  const seen: StreamRecord[] = [];
  const batches: number[] = [];
  let waiting: { count: number; resolve: () => void } | undefined;
  const consumer = await stream.consume({ maxRecords: 100, windowMs: 0, ...options }, async (records) => {
    await handler(records);
    batches.push(records.length);
    seen.push(...records);
    if (waiting && seen.length >= waiting.count) waiting.resolve();
  });
  const values = () => seen.map(({ value }) => value.toString());
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      waiting = { count, resolve };
      if (seen.length >= count) resolve();
    });
  return { ...consumer, seen, batches, values, until };
}

/** One behaviour, two streams: tables in PostgreSQL, and Apache Kafka. */
describe('the embedded stream', () => streamSuite());
describe.runIf(kafkaIsPossible)('the stream on Apache Kafka', () => {
  let kafka: KafkaBroker;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka.stop());
  streamSuite(() => ({ kafkaBrokers: kafka.brokers }));
});

function streamSuite(overrides: () => { kafkaBrokers?: string[] } = () => ({})): void {
  let cloud: Fixture;
  let topic: string;
  const names: string[] = [];

  async function provideTopics(): Promise<void> {
    const cluster = await cloud.provide('AWS::MSK::Cluster', 'Cluster', { ClusterName: 'test' });
    for (const TopicName of names) {
      await cloud.provide('AWS::MSK::Topic', 'Topic', {
        ClusterArn: cluster.attributes.Arn,
        TopicName,
        PartitionCount: PARTITIONS,
        Configs: Buffer.from('retention.ms=604800000').toString('base64'),
      });
    }
  }
  async function newTopic(): Promise<Stream> {
    topic = `topic-${randomUUID()}`;
    names.push(topic);
    await provideTopics();
    return cloud.services.stream;
  }

  beforeAll(async () => {
    cloud = await startFixture(overrides());
  });
  afterAll(() => cloud.stop());

  test('gives contiguous offsets per partition, also to concurrent appends', async () => {
    const stream = await newTopic();
    const appends = Array.from({ length: 20 }, () => stream.append(topic, 1, [record('a'), record('b')]));
    expect((await Promise.all(appends)).sort((a, b) => a - b)).toEqual(appends.map((_, index) => index * 2));
    await expect(stream.append(topic, 0, [record('first')])).resolves.toBe(0);
  });

  test('delivers in order, with key, offset and time, from the horizon', async () => {
    const stream = await newTopic();
    const sent = { ...record('one', 'user-1'), timestamp: 1_700_000_000_000 };
    await stream.append(topic, 2, [sent, record('two', 'user-1')]);
    const group = await collect(stream, { topic, group: randomUUID(), from: 'TRIM_HORIZON' });
    await group.until(2);
    await stream.append(topic, 2, [record('three')]);
    await group.until(3);
    await group.stop();
    expect(group.values()).toEqual(['one', 'two', 'three']);
    expect(group.seen[0]).toMatchObject({ topic, partition: 2, offset: 0, timestamp: sent.timestamp });
    expect(group.seen.map(({ key }) => key?.toString())).toEqual(['user-1', 'user-1', undefined]);
  });

  test('starts a LATEST group at the end and resumes where it had committed', async () => {
    const stream = await newTopic();
    await stream.append(topic, 0, [record('before')]);
    const options = { topic, group: randomUUID(), from: 'LATEST' } as const;
    const first = await collect(stream, options);
    await stream.append(topic, 0, [record('during')]);
    await first.until(1);
    await first.stop();
    await stream.append(topic, 0, [record('while stopped')]);
    await cloud.restart();
    await provideTopics();
    const second = await collect(cloud.services.stream, options);
    await second.until(1);
    await second.stop();
    expect([first.values(), second.values()]).toEqual([['during'], ['while stopped']]);
  });

  test('delivers a rejected batch again, in order, and loses nothing', async () => {
    const stream = await newTopic();
    let failures = 2;
    const group = await collect(stream, { topic, group: randomUUID(), from: 'TRIM_HORIZON' }, async () => {
      if (failures-- > 0) throw new Error('not now');
    });
    await stream.append(topic, 3, [record('one'), record('two')]);
    await group.until(2);
    await group.stop();
    expect(group.values()).toEqual(['one', 'two']);
  });

  test('keeps batches to their size, every partition in its order', async () => {
    const stream = await newTopic();
    // Producer clocks run backwards here: only offsets may order records.
    const records = Array.from({ length: 25 }, (_, index) => ({
      ...record(String(index)),
      timestamp: 2_000_000 - index,
    }));
    await Promise.all([stream.append(topic, 0, records), stream.append(topic, 1, records)]);
    const group = await collect(stream, { topic, group: randomUUID(), from: 'TRIM_HORIZON', maxRecords: 10 });
    await group.until(50);
    await group.stop();
    expect(Math.max(...group.batches)).toBeLessThanOrEqual(10);
    for (const partition of [0, 1]) {
      const offsets = group.seen.filter((seen) => seen.partition === partition).map(({ offset }) => offset);
      expect(offsets).toEqual(records.map((_, index) => index));
    }
  });

  test('waits out its window for one batch; without a window, every record is one', async () => {
    const stream = await newTopic();
    const window = { topic, group: randomUUID(), from: 'TRIM_HORIZON', windowMs: 500 } as const;
    const slow = await collect(stream, window);
    await stream.append(topic, 0, [record('one')]);
    await stream.append(topic, 0, [record('two')]);
    await slow.until(2);
    await slow.stop();
    expect(slow.batches).toEqual([2]);
    const fast = await collect(stream, { topic, group: randomUUID(), from: 'LATEST' });
    await stream.append(topic, 0, [record('now')]);
    await fast.until(1);
    await stream.append(topic, 0, [record('later')]);
    await fast.until(2);
    await fast.stop();
    expect(fast.batches).toEqual([1, 1]);
  });
}
