import { randomUUID } from 'node:crypto';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';

/** Reads a topic from its beginning until `take` has what it wants. */
export async function readTopic(
  brokers: string[],
  topic: string,
  take: (message: KafkaMessage) => boolean,
): Promise<void> {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId: randomUUID() });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        if (take(message)) resolve();
      },
    });
  });
  await consumer.disconnect();
}
