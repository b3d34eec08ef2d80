import { once } from 'node:events';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import WebSocket from 'ws';
import { FileChanged } from '../../protocol/file-changed.ts';
import { SocketMessage } from '../../protocol/socket.ts';
import { type KafkaBroker, kafkaIsPossible, startKafka } from '../support/kafka/broker.ts';
import { type Service, startService } from '../support/service.ts';
import type { User } from '../support/user.ts';

describe.runIf(kafkaIsPossible)('the service on Apache Kafka', () => {
  let kafka: KafkaBroker;
  let service: Service;
  let user: User;

  beforeAll(async () => {
    kafka = await startKafka();
    service = await startService(inject('assembly'), { kafkaBrokers: kafka.brokers });
    user = await service.signUp();
  });
  afterAll(async () => {
    await service?.stop();
    await kafka?.stop();
  });

  test('a commit reaches the topic, keyed by the user, and the other device’s socket', async () => {
    const other = await user.addDevice();
    const socket = new WebSocket(await other.socketUrl());
    await once(socket, 'open');
    const pushed = once(socket, 'message');
    const { cursor } = await committed(user);

    const [message] = await pushed;
    expect(SocketMessage.parse(JSON.parse(String(message)))).toMatchObject({ type: 'changed', cursor });
    socket.close();

    const { key, event } = await firstRecord(kafka.brokers);
    expect(key).toBe(event.user_id);
    expect(event).toMatchObject({ file_path: 'a.txt', version: 1, change_type: 'create', cursor });
  });

  test('the topic has 64 partitions', async () => {
    const admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: ['file-changed'] });
    await admin.disconnect();
    expect(topics[0]?.partitions).toHaveLength(64);
  });
});

async function committed(user: User): Promise<{ cursor: number }> {
  const result = await user.save('a.txt', Buffer.from('hello'));
  if ('error' in result) throw new Error(result.error.message);
  return result;
}

async function firstRecord(brokers: string[]): Promise<{ key: string; event: FileChanged }> {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId: 'test' });
  await consumer.connect();
  await consumer.subscribe({ topics: ['file-changed'], fromBeginning: true });
  const record = await new Promise<{ key: string; event: FileChanged }>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message: { key, value } }) =>
        resolve({ key: String(key), event: FileChanged.parse(JSON.parse(String(value))) }),
    });
  });
  await consumer.disconnect();
  return record;
}
