/* Kafka: what the relay publishes, and how a batch is read. */

import { Kafka, logLevel, type Producer } from 'kafkajs';
import type { FileChanged } from '../../../protocol/file-changed.ts';
import { requireEnv } from '../runtime/env.ts';
import './request-queue.ts';
import { streamToken } from './stream-token.ts';

export interface Publisher {
  /** Resolves when every broker that must has the events. Events of one user keep their order. */
  publish(events: readonly FileChanged[]): Promise<void>;
}

/** Under the broker's own idle limit, and short enough for a second try within the function's timeout. */
const REQUEST_MS = 5_000;

let connected: Promise<Producer> | undefined;

/** The sync stream over MSK. One producer per instance; after an error it is dropped, and the next call makes another. */
export const publisher: Publisher = {
  async publish(events) {
    if (events.length === 0) return;
    connected ??= connect();
    try {
      const producer = await connected;
      await producer.send({
        topic: requireEnv('STREAM_TOPIC'),
        acks: -1,
        timeout: REQUEST_MS,
        messages: events.map((event) => ({
          key: event.user_id,
          value: JSON.stringify(event),
          timestamp: String(event.timestamp),
        })),
      });
    } catch (error) {
      const broken = connected;
      connected = undefined;
      void broken?.then((producer) => producer.disconnect()).catch(() => {});
      throw error;
    }
  },
};

async function connect(): Promise<Producer> {
  const region = requireEnv('AWS_REGION');
  const kafka = new Kafka({
    clientId: 'tidemark-relay',
    brokers: requireEnv('STREAM_BROKERS').split(','),
    ssl: true,
    sasl: {
      mechanism: 'oauthbearer',
      oauthBearerProvider: async () => ({ value: await streamToken(region) }),
    },
    connectionTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    retry: { retries: 3, initialRetryTime: 200 },
    logLevel: logLevel.ERROR,
  });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  return producer;
}
