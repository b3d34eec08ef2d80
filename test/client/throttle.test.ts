import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { createApi } from '../../client/service/api.ts';
import { ask } from '../../client/service/ask.ts';
import { connections } from '../../client/service/connections.ts';
import { Arrived, fetchRest } from '../../client/service/fetch-bytes.ts';
import { putBytes } from '../../client/service/put-bytes.ts';
import { SendRate } from '../../client/service/send-rate.ts';
import { Throttle } from '../../client/service/throttle.ts';

afterEach(() => connections.limit({}));

const content = randomBytes(60_000);
const { signal } = new AbortController();

/** A server that takes what is sent and gives the content, or what a route of the service does. */
async function serve(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/devices') response.end(JSON.stringify({ devices: [] }));
      else if (request.url === '/delta-apply') response.end(JSON.stringify({ results: [] }));
      else if (request.method === 'GET') response.end(content);
      else response.writeHead(200, { etag: '"a"' }).end();
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

describe('a limit', () => {
  const put = (url: string): Promise<unknown> => putBytes(url, {}, content, { rate: new SendRate(), signal });

  test('holds for all connections of one direction together, and for that alone', async () => {
    const [store, service] = [await serve(), await serve()];
    connections.limit({ up: 60_000 });
    const seconds = await secondsOf(() =>
      Promise.all([
        put(store),
        put(store),
        ask('the service', service, { method: 'POST', body: content, timeoutMs: 10_000 }),
      ]),
    );
    expect(seconds).toBeGreaterThan(2.5);
    connections.limit({ down: 1_000_000, up: 8_000 });
    const arrived = new Arrived();
    await Promise.all([fetchRest(store, arrived, signal), fetchRest(service, new Arrived(), signal)]);
    expect(Buffer.from(arrived.bytes()).equals(content)).toBe(true);
  });

  test('holds for what arrives', async () => {
    const [store, service] = [await serve(), await serve()];
    connections.limit({ down: 60_000 });
    const seconds = await secondsOf(() =>
      Promise.all([
        fetchRest(store, new Arrived(), signal),
        fetchRest(store, new Arrived(), signal),
        ask('the service', service, { timeoutMs: 10_000 }),
      ]),
    );
    expect(seconds).toBeGreaterThan(1);
  });

  test('lets go whoever waits when it is taken away', { timeout: 10_000 }, async () => {
    let limit: number | undefined = 8_000;
    const throttle = new Throttle(() => limit);
    const waits: number[] = [];
    await throttle.pass(1_000_000, signal, (held) => waits.push(held));
    const second = throttle.pass(1, signal, (held) => waits.push(held));
    limit = undefined;
    await second;
    expect(waits).toEqual([expect.closeTo(125_000, -3)]);
  });

  test('takes its time from no request: none is late that this device holds back', async () => {
    const service = await serve();
    connections.limit({ up: 20_000, down: 20_000 });
    const request = { method: 'POST', body: content.subarray(0, 40_000), timeoutMs: 1_000 } as const;
    expect((await ask('the service', service, request)).status).toBe(200);
    expect((await ask('the service', service, { timeoutMs: 1_000 })).text).toHaveLength(content.toString().length);
  });

  test('lets nobody be told that the service is silent', async () => {
    const service = await serve();
    connections.limit({ up: 8_000 });
    const attempts: unknown[] = [];
    const onAttempt = (failure: unknown): void => void attempts.push(failure);
    const api = createApi(service, { token: async () => 'token' }, { onAttempt });
    const large = randomBytes(80_000);
    const sent = api.applyDeltas(large);
    await api.devices();
    expect(await secondsOf(() => sent)).toBeGreaterThan(7);
    expect(attempts).toEqual([undefined, undefined]);
  });
});
