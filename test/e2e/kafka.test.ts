import { once } from 'node:events';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import WebSocket from 'ws';
import { FileChanged } from '../../protocol/file-changed.ts';
import { SocketMessage } from '../../protocol/socket.ts';
import { type KafkaBroker, kafkaIsPossible, startKafka } from '../support/kafka/broker.ts';
import { readTopic } from '../support/kafka/read-topic.ts';
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

  test('while the broker is gone commits go on; their events come later, all of them, in the order of each user', {
    timeout: 180_000,
  }, async () => {
    const users = [await service.signUp(), await service.signUp()];
    await Promise.all(users.map((each) => each.save('before.txt', Buffer.from(`before ${each.id}`))));
    await kafka.kill();
    for (let n = 0; n < 5; n++) {
      for (const each of users)
        expect(await each.save(`${n}.txt`, Buffer.from(`${n} ${each.id}`))).toHaveProperty('version', 1);
    }
    await kafka.restart();
    await vi.waitFor(() => drain(service), { timeout: 60_000, interval: 1000 });

    expect(await cursorsOf(kafka.brokers, users, 6)).toEqual(users.map(() => [1, 2, 3, 4, 5, 6]));
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

async function drain({ cloud }: Service): Promise<void> {
  const { functionError, payload } = await cloud.invoke('Relay', {});
  if (functionError) throw new Error(payload.toString());
}

async function firstRecord(brokers: string[]): Promise<{ key: string; event: FileChanged }> {
  let first: { key: string; event: FileChanged } | undefined;
  await readEvents(brokers, (key, event) => {
    first ??= { key, event };
    return true;
  });
  return first!;
}

/** The cursors of each user's events in the order of the topic, repeated ones left out, once every user has so many. */
async function cursorsOf(brokers: string[], users: readonly User[], count: number): Promise<number[][]> {
  const seen = users.map(() => new Set<number>());
  await readEvents(brokers, (_, { user_id, cursor }) => {
    seen[users.findIndex(({ id }) => id === user_id)]?.add(cursor);
    return seen.every(({ size }) => size >= count);
  });
  return seen.map((cursors) => [...cursors]);
}

/** Reads the events from the first on until `take` has what it wants. */
function readEvents(brokers: string[], take: (key: string, event: FileChanged) => boolean): Promise<void> {
  return readTopic(brokers, 'file-changed', ({ key, value }) =>
    take(String(key), FileChanged.parse(JSON.parse(String(value)))),
  );
}
