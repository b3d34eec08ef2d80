import Broker from 'kafkajs/src/broker/index.js';

const { produce } = Broker.prototype;
const underWay = new Set<Promise<unknown>>();
const acknowledged = new WeakSet<object>();

/** Whether the brokers that must have a message of a failed `send` have it. */
export function isAcknowledged(message: object): boolean {
  return acknowledged.has(message);
}

// kafkajs 2.2.4 does not say what one broker took of a `send` that another refused, and does not wait for it. When it
// tries again by itself, it leaves out what is led by then by a broker that has answered before, and tells of success
// (github.com/tulios/kafkajs/pull/1798).
Broker.prototype.produce = async function (request) {
  const answer = produce.call(this, request);
  underWay.add(answer);
  try {
    const response = await answer;
    const partitions = request.topicData.flatMap((topic) => topic.partitions);
    for (const message of partitions.flatMap(({ messages }) => messages)) acknowledged.add(message);
    return response;
  } catch (error) {
    await Promise.allSettled(underWay);
    throw error;
  } finally {
    underWay.delete(answer);
  }
};
