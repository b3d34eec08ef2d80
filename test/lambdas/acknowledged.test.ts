import Broker from 'kafkajs/src/broker/index.js';
import { expect, test } from 'vitest';

type Answer = PromiseWithResolvers<unknown>;

test('a broker’s refusal is told once the others have answered, and what these took is known', async () => {
  const [refusing, slow]: [Answer, Answer] = [Promise.withResolvers(), Promise.withResolvers()];
  const answers = [refusing, slow];
  Broker.prototype.produce = () => answers.shift()!.promise;
  const { isAcknowledged } = await import('../../lambdas/shared/stream/acknowledged.ts');

  const [refused, taken] = [{ value: 'refused' }, { value: 'taken' }];
  const sent = [refused, taken].map((message, partition) =>
    Broker.prototype.produce({ topicData: [{ partitions: [{ partition, messages: [message] }] }] }),
  );
  refusing.reject(new Error('not the leader'));
  setTimeout(slow.resolve, 20, {});
  await expect(sent[0]).rejects.toThrow('not the leader');
  expect([isAcknowledged(refused), isAcknowledged(taken)]).toEqual([false, true]);
});
