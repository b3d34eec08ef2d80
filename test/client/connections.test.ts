import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createApi } from '../../client/service/api.ts';
import { connections, DeadConnection } from '../../client/service/connections.ts';
import { Arrived, fetchRest } from '../../client/service/fetch-bytes.ts';
import { Gate } from '../../client/service/gate.ts';
import { putBytes } from '../../client/service/put-bytes.ts';
import { SendRate } from '../../client/service/send-rate.ts';
import { Pushes } from '../../client/service/socket.ts';
import { newUpChannel } from '../../client/steps/channels.ts';
import { putBlock } from '../../client/steps/put-block.ts';

/* Connections that are taken for dead, to a server that does as the test says. */

const content = randomBytes(100_000);
const { signal } = new AbortController();
afterEach(() => vi.useRealTimers());

interface Served {
  readonly url: string;
  /** The port of the other side of each request so far: one for each connection. */
  readonly ports: (number | undefined)[];
  /** The answers to be given, in the order of the requests. */
  readonly responses: ServerResponse[];
  /** Resolves once so many requests came. */
  asked(times: number): Promise<void>;
}

/** @param answer what happens to each request, by their number from 0; nothing, unless it is given */
async function serve(...answers: (RequestListener | undefined)[]): Promise<Served> {
  const [ports, responses]: [Served['ports'], Served['responses']] = [[], []];
  const server = createServer().listen(0, '127.0.0.1');
  // As AWS, which says in no answer how long it keeps a connection.
  server.keepAliveTimeout = 0;
  server.prependListener('request', (request, response) => {
    responses.push(response);
    answers[ports.push(request.socket.remotePort) - 1]?.(request, response);
  });
  const asked = async (times: number): Promise<void> => {
    while (ports.length < times) await once(server, 'request');
  };
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ports, responses, asked };
}

const devices: RequestListener = (request, response) =>
  void request.resume().on('end', () => response.end(JSON.stringify({ devices: [] })));
const takes: RequestListener = (request, response) =>
  void request.resume().on('end', () => response.writeHead(200, { etag: '"a"' }).end());
const begins =
  (bytes: Buffer): RequestListener =>
  (_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(bytes);
  };

test('a call is asked anew when its connection is taken for dead, and that is no failure of it', async () => {
  const service = await serve(undefined, devices);
  const attempts: unknown[] = [];
  const onAttempt = (failure: unknown): void => void attempts.push(failure);
  const call = createApi(service.url, { token: async () => 'token' }, { onAttempt }).devices();
  await service.asked(1);
  connections.renew();
  expect((await call).body.devices).toEqual([]);
  expect(attempts).toEqual([undefined]);
  expect(new Set(service.ports).size).toBe(2);
});

test('where connections may be dead, what begins takes a new one, and what is under way goes on', async () => {
  const service = await serve(devices, devices, undefined, devices);
  const api = createApi(service.url, { token: async () => 'token' });
  await Promise.all([api.devices(), api.devices()]);
  const call = api.devices();
  await service.asked(3);
  connections.avoid();
  await api.devices();
  service.responses[2]!.end(JSON.stringify({ devices: [] }));
  await call;
  const [first, second, third, fourth] = service.ports;
  expect([first, second]).toContain(third);
  expect([first, second]).not.toContain(fourth);
});

test('a call that comes seconds after the last one needs no new connection, though nobody says how long one is kept', async () => {
  const service = await serve(devices, devices);
  const api = createApi(service.url, { token: async () => 'token' });
  await api.devices();
  await sleep(6_000);
  await api.devices();
  expect(new Set(service.ports).size).toBe(1);
});

describe('a socket that is not open after 8 s', () => {
  /** @param service gives tickets @param url of the sockets */
  const listen = (service: Served, url: string, onDead: () => void): void => {
    const end = new AbortController();
    const nothing = (): void => undefined;
    const api = createApi(service.url, { token: async () => 'token' }, { signal: end.signal });
    const heard = { onChanged: nothing, onMissed: nothing, onSent: nothing };
    const on = { ...heard, onOpen: nothing, onLate: nothing, onDead, onClosed: nothing };
    const listening = new Pushes({ url, deviceId: 'd', api, signal: end.signal, ...on }).run();
    onTestFinished(() => {
      end.abort();
      return listening;
    });
  };
  const id = '00000000-0000-4000-8000-000000000000';
  const issued = JSON.stringify({ ticket: `${id}.${id}.${'t'.repeat(43)}`, expires_at: 0 });
  const ticket: RequestListener = (_, response) => void response.end(issued);
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));

  test('has all connections taken for dead, and its ticket asked for anew', async () => {
    const service = await serve(undefined, ticket);
    listen(service, 'ws://127.0.0.1:9/', () => connections.renew());
    await service.asked(1);
    await vi.advanceTimersByTimeAsync(7_900);
    expect(service.ports).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    await service.asked(2);
  });

  test('has so though its ticket came', async () => {
    const service = await serve(ticket);
    const dead = vi.fn();
    const gateway = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void gateway.close().closeAllConnections());
    await once(gateway, 'listening');
    // Once there is a listener, an upgrade is left to it.
    const asksToOpen = once(gateway, 'upgrade');
    listen(service, `ws://127.0.0.1:${(gateway.address() as AddressInfo).port}/`, dead);
    const [, socket] = await asksToOpen;
    onTestFinished(() => void socket.destroy());
    expect(dead).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(8_000);
    expect(dead).toHaveBeenCalledTimes(1);
  });
});

describe('a transfer whose connection is taken for dead', () => {
  test('is broken if nothing moved since it was last asked, and a slow link has not got slower by that', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const store = await serve((request) => void request.resume());
    const rate = new SendRate();
    rate.finished(1_000_000, 1000);
    const sent = putBytes(store.url, {}, content, { rate, signal }).catch((error) => error);
    await store.asked(1);
    const before = rate.allowance(1);
    connections.renew();
    await vi.advanceTimersByTimeAsync(8_200);
    expect(await sent).toBeInstanceOf(DeadConnection);
    expect(rate.allowance(1)).toBe(before);
  });

  test('goes on if something moved', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const cdn = await serve(begins(content.subarray(0, 1000)));
    const arrived = new Arrived();
    const fetched = fetchRest(cdn.url, arrived, signal);
    await vi.waitFor(() => expect(arrived.size).toBe(1000));
    connections.renew();
    await vi.advanceTimersByTimeAsync(7_000);
    cdn.responses[0]!.write(content.subarray(1000, 2000));
    await vi.waitFor(() => expect(arrived.size).toBe(2000));
    await vi.advanceTimersByTimeAsync(19_000);
    cdn.responses[0]!.end(content.subarray(2000));
    expect(await fetched).toMatchObject({ status: 200 });
    expect(cdn.ports).toHaveLength(1);
  });

  test('is sent again over a new one, and that is no failure of it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const store = await serve((request) => void request.resume(), takes);
    const link = newUpChannel(new Gate());
    link.rate.finished(1_000_000, 1000);
    const run = vi.spyOn(link.window, 'run');
    const target = { hash: '', url: store.url, headers: {}, until: performance.now() + 60_000 };
    const sent = putBlock(target, content, link, signal);
    await store.asked(1);
    connections.renew();
    await vi.advanceTimersByTimeAsync(8_200);
    expect(await sent).toBe(true);
    expect(run).toHaveBeenCalledTimes(1);
  });
});

test.each([
  ['takes a proxy from the environment where Node does', { NODE_USE_ENV_PROXY: '1' }, 'tidemark.example:443'],
  ['else takes none', {}, undefined],
])('a request %s', { timeout: 30_000 }, async (_, environment, through) => {
  let asksFor: string | undefined;
  const proxy = createServer().on('connect', ({ url }, socket) => {
    asksFor = url;
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  onTestFinished(() => void proxy.close());
  await once(proxy, 'listening');
  const module = new URL('../../client/service/connections.ts', import.meta.url);
  const program = `
    import { connections } from '${module}';
    const signal = AbortSignal.timeout(20_000);
    await connections.request('https://tidemark.example/', { method: 'GET', headers: {}, signal }).catch(() => {});`;
  const HTTPS_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const env = { ...process.env, HTTPS_PROXY, ...environment };
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env });
  expect(asksFor).toBe(through);
});
