import { setTimeout } from 'node:timers/promises';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { expect, onTestFinished, test, vi } from 'vitest';
import '../../lambdas/shared/stream/request-queue.ts';

function queueOf(): RequestQueue {
  const queue = new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 5_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'broker:9098',
    logger: { debug: () => {} },
  });
  onTestFinished(() => queue.destroy());
  return queue;
}

test('a connection to a broker of which no request waits does nothing', async () => {
  const queue = queueOf();
  const looks = vi.spyOn(queue, 'checkPendingRequests');
  queue.checkPendingRequests();
  await setTimeout(100);
  expect(looks).toHaveBeenCalledTimes(1);
});

test('a request that came while the broker wanted none is sent after that, and then nothing is done', async () => {
  const queue = queueOf();
  const looks = vi.spyOn(queue, 'checkPendingRequests');
  queue.maybeThrottle(50);
  const sent = Promise.withResolvers<void>();
  queue.push({ entry: { correlationId: 1, resolve: sent.resolve }, expectResponse: false, sendRequest: () => {} });
  expect(queue.pending).toHaveLength(1);
  await sent.promise;
  await setTimeout(100);
  expect(queue.pending).toHaveLength(0);
  expect(looks.mock.calls.length).toBeLessThanOrEqual(3);
});
