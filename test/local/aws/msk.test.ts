import { GetBootstrapBrokersCommand, KafkaClient } from '@aws-sdk/client-kafka';
import { generateAuthTokenFromCredentialsProvider } from 'aws-msk-iam-sasl-signer-js';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { StreamRecord } from '../../../local/types.ts';
import { type Fixture, startFixture, type TestPrincipal } from './fixture.ts';

const TOPIC = 'file-changed';
let cloud: Fixture;
let cluster: string;
let topicArn: string;
const producers: Producer[] = [];

beforeAll(async () => {
  cloud = await startFixture();
  cluster = (await cloud.provide('AWS::MSK::Cluster', 'Cluster', { ClusterName: 'test' })).ref;
  const properties = { ClusterArn: cluster, TopicName: TOPIC, PartitionCount: 64 };
  topicArn = (await cloud.provide('AWS::MSK::Topic', 'Topic', properties)).ref;
});
afterEach(async () => {
  await Promise.all(producers.splice(0).map((producer) => producer.disconnect()));
});
afterAll(() => cloud.stop());

const allow = (...actions: string[]) =>
  actions.map((action) => `kafka-cluster:${action} ${/^(Connect|WriteDataIdem)/.test(action) ? cluster : topicArn}`);

async function connect(principal: TestPrincipal, options: { idempotent?: boolean } = {}): Promise<Producer> {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${cloud.port + 4}`],
    ssl: { ca: cloud.ca },
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    sasl: {
      mechanism: 'oauthbearer',
      async oauthBearerProvider() {
        const awsCredentialsProvider = async () => principal.credentials;
        const { token } = await generateAuthTokenFromCredentialsProvider({
          region: 'us-east-1',
          awsCredentialsProvider,
        });
        return { value: token };
      },
    },
  });
  const retry = { retries: options.idempotent ? 1 : 0 };
  const producer = kafka.producer({ allowAutoTopicCreation: false, retry, ...options });
  producers.push(producer);
  await producer.connect();
  return producer;
}

async function consumeOne(act: () => Promise<unknown>, count: number): Promise<StreamRecord[]> {
  const seen: StreamRecord[] = [];
  const group = `group-${Math.random()}`;
  const options = { topic: TOPIC, group, from: 'LATEST', maxRecords: 10, windowMs: 0 } as const;
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const consumer = await cloud.services.stream.consume(options, async (records) => {
    seen.push(...records);
    if (seen.length >= count) done();
  });
  await act();
  await all;
  await consumer.stop();
  return seen;
}

describe('a producer with an MSK IAM token', () => {
  test('writes records that the stream delivers', async () => {
    const producer = await connect(cloud.principal('relay', allow('Connect', 'DescribeTopic', 'WriteData')));
    const messages = [
      { key: 'user-1', value: 'ä'.repeat(3000) },
      { key: 'user-1', value: '{}', timestamp: '1700000000000' },
    ];
    const seen = await consumeOne(() => producer.send({ topic: TOPIC, acks: -1, messages }), 2);
    expect(seen.map(({ key, value }) => [key?.toString(), value.toString()])).toEqual(
      messages.map(({ key, value }) => [key, value]),
    );
    expect(seen[1]?.timestamp).toBe(1_700_000_000_000);
    expect(new Set(seen.map(({ partition }) => partition)).size).toBe(1);
  });

  test('may be idempotent, and may compress with gzip', async () => {
    const actions = allow('Connect', 'DescribeTopic', 'WriteData', 'WriteDataIdempotently');
    const producer = await connect(cloud.principal('exact', actions), { idempotent: true });
    const messages = [{ key: 'k', value: 'v'.repeat(10_000) }];
    const seen = await consumeOne(() => producer.send({ topic: TOPIC, acks: -1, messages, compression: 1 }), 1);
    expect(seen[0]?.value.toString()).toBe(messages[0]?.value);
  });

  test('needs each of its grants', async () => {
    await expect(connect(cloud.principal('none', []))).rejects.toThrow('kafka-cluster:Connect');
    const cut = cloud.principal('cut', allow('Connect'), { unreachable: ['kafka-cluster'] });
    await expect(connect(cut)).rejects.toThrow('no route to kafka-cluster');
    const message = { topic: TOPIC, messages: [{ value: 'x' }] };
    const blind = await connect(cloud.principal('blind', allow('Connect', 'WriteData')));
    await expect(blind.send(message)).rejects.toThrow(/authoriz/i);
    const reader = await connect(cloud.principal('reader', allow('Connect', 'DescribeTopic')));
    await expect(reader.send(message)).rejects.toThrow(/authoriz/i);
    expect(cloud.log.join('\n')).toContain(`reader may not kafka-cluster:WriteData on ${topicArn}`);
  });

  test('is refused with a token that another secret has signed', async () => {
    const relay = cloud.principal('relay', allow('Connect'));
    const forged = { ...relay, credentials: { ...relay.credentials, secretAccessKey: 'another' } };
    await expect(connect(forged)).rejects.toThrow('signature');
  });

  test('is told of a topic that does not exist', async () => {
    const actions = ['kafka-cluster:*'];
    const producer = await connect(cloud.principal('lost', actions));
    const lost = producer.send({ topic: 'no-such-topic', messages: [{ value: 'x' }] });
    await expect(lost).rejects.toThrow('This server does not host this topic-partition');
  });
});

test('GetBootstrapBrokers answers the address to those who may ask', async () => {
  const ask = (principal: TestPrincipal) =>
    new KafkaClient(cloud.client(principal)).send(new GetBootstrapBrokersCommand({ ClusterArn: cluster }));
  const answer = await ask(cloud.principal('brokers', [`kafka:GetBootstrapBrokers ${cluster}`]));
  expect(answer.BootstrapBrokerStringSaslIam).toBe(`127.0.0.1:${cloud.port + 4}`);
  await expect(ask(cloud.principal('none', []))).rejects.toMatchObject({ name: 'AccessDeniedException' });
});
