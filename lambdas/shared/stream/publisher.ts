/* Kafka: what the relay publishes, and how a batch is read. */

import { setTimeout } from 'node:timers/promises';
import {
  CompressionTypes,
  Kafka,
  KafkaJSNumberOfRetriesExceeded,
  logLevel,
  type Producer,
  type ProducerRecord,
} from 'kafkajs';
import type { FileChanged } from '../../../protocol/file-changed.ts';
import { requireEnv } from '../runtime/env.ts';
import { isAcknowledged } from './acknowledged.ts';
import './request-queue.ts';
import { streamToken } from './stream-token.ts';

export interface Publisher {
  /** Resolves when every broker that must has the events. Events of one user keep their order. */
  publish(events: readonly FileChanged[]): Promise<void>;
}

/** Under the broker's own idle limit, and short enough for a second try within the function's timeout. */
const REQUEST_MS = 5_000;

/**
 * A connection that rested longer, ms, may be dead without anybody having been told: a frozen function hears of nothing,
 * and the network forgets what is idle.
 */
const RESTED_MS = 60_000;

/** Before what a broker refused is sent again, ms: it may not lead the partition any more, or not yet. */
const WAITS_MS = [200, 400, 800];

/** kafkajs refuses an idempotent producer with fewer retries than one; no count is below NaN, so it makes none. */
const LEFT_TO_SEND = { retries: Number.NaN };

let connected: Promise<Producer> | undefined;
let usedAt = 0;

/**
 * The sync stream over MSK. One producer per instance, whose repeated requests the brokers tell from new ones; after an
 * error it is dropped, and the next call makes another.
 */
export const publisher: Publisher = {
  async publish(events) {
    if (events.length === 0) return;
    if (Date.now() - usedAt > RESTED_MS) drop();
    connected ??= connect();
    try {
      await send(await connected, {
        topic: requireEnv('STREAM_TOPIC'),
        acks: -1,
        timeout: REQUEST_MS,
        // What two events have in common is half of them; one alone would be no shorter.
        compression: events.length > 1 ? CompressionTypes.GZIP : CompressionTypes.None,
        messages: events.map((event) => ({
          key: event.user_id,
          value: JSON.stringify(event),
          timestamp: String(event.timestamp),
        })),
      });
      usedAt = Date.now();
    } catch (error) {
      drop();
      throw error;
    }
  },
};

/** Sends again what is not acknowledged, and only that. */
async function send(producer: Producer, record: ProducerRecord): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await producer.send({ ...record, messages: record.messages.filter((message) => !isAcknowledged(message)) });
      return;
    } catch (error) {
      const wait = WAITS_MS[tries];
      if (wait === undefined || !(error instanceof KafkaJSNumberOfRetriesExceeded)) throw error;
      await setTimeout(wait);
    }
  }
}

/** The next call makes another connection. */
function drop(): void {
  const old = connected;
  connected = undefined;
  void old?.then((producer) => producer.disconnect()).catch(() => {});
}

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
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, retry: LEFT_TO_SEND });
  await producer.connect();
  return producer;
}
