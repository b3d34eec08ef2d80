import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { reasonOf } from '../../cli/reason.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import {
  answer,
  cutAnswer,
  fall,
  hang,
  hangAnswer,
  html,
  late,
  loseAnswer,
  loseRequest,
  redirect,
  repeat,
} from '../support/network/faults.ts';
import type { Network } from '../support/network/network.ts';
import type { User } from '../support/user.ts';
import { type Account, openAccount, startAll, until, untilEqual } from './account.ts';

/* The network that other tests bend: that it does what it is told. */

let account: Account;
let network: Network;
let road: Device;
let desk: Device;
let user: User;

beforeAll(async () => {
  account = await openAccount();
  network = await account.network();
  [road, desk] = await Promise.all([account.device('road', { network }), account.device('desk')]);
  user = await account.caller();
  startAll(road, desk);
});
beforeEach(() => {
  for (const { proxy } of Object.values(network.ways)) proxy.seen.length = 0;
});
afterEach(() => network.heal());
afterAll(() => account.close());

/** A call that lasts a moment at most, over a connection of its own. */
function call(path = '/devices', options: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${user.token}`, connection: 'close' };
  return fetch(network.url + path, { signal: AbortSignal.timeout(1000), ...options, headers });
}

/** What comes of it: a status, or why it failed. */
const outcome = (options?: RequestInit): Promise<number | string> =>
  call('/devices', options).then(({ status }) => status, reasonOf);

test('all that a device does goes through it', async () => {
  await writeFile(join(road.folder, 'up'), randomBytes(100_000));
  await writeFile(join(desk.folder, 'down'), randomBytes(100_000));
  await untilEqual(road, desk);
  expect(network.ways.api.proxy.seen.map(({ route }) => route)).toContain('POST /finalize');
  expect(network.ways.store.proxy.seen.map(({ route }) => route.split(' ')[0])).toEqual(['PUT']);
  expect(network.ways.cdn.proxy.seen.map(({ status }) => status)).toEqual([200]);
});

test.each([
  ['an answer that is lost', loseAnswer],
  ['a request that is lost', loseRequest],
  ['an answer that is cut', cutAnswer],
  ['a request that arrives twice', repeat],
  ['an answer that is late', late(300)],
  ['a gateway that is busy', answer(503)],
] as const)('%s is got over by a device', async (name, fault) => {
  const { api, store } = network.ways;
  for (const route of ['POST /save', 'POST /upload-init', 'GET /changes']) api.proxy.fail(route, fault, 1);
  store.proxy.fail('PUT', fault, 1);
  await writeFile(join(road.folder, name), name);
  await writeFile(join(road.folder, `${name}, large`), randomBytes(100_000));
  await untilEqual(road, desk);
  expect(await readFile(join(desk.folder, name), 'utf8')).toBe(name);
});

test('a proxy answers by route and count in place of the service, later rules first', async () => {
  const { proxy } = network.ways.api;
  proxy.fail('', answer(500));
  proxy.fail('GET /devices', html(511), 1);
  proxy.fail('GET /devices', redirect('https://127.0.0.1:9/'), 1);
  expect(await outcome({ redirect: 'manual' })).toBe(302);
  expect(await outcome()).toBe(511);
  expect(await outcome()).toBe(500);
  await network.heal();
  expect(await outcome()).toBe(200);
});

test('a proxy that hangs does so before the answer, or in it', async () => {
  const { proxy } = network.ways.api;
  proxy.fail('GET /devices', hang);
  expect(await outcome()).toMatch(/timeout/);
  await network.heal();
  proxy.fail('GET /devices', hangAnswer);
  const begun = await call();
  expect(begun.status).toBe(200);
  await expect(begun.text()).rejects.toThrow(/timeout/);
});

test('a line refuses, stalls, cuts, and then is well again', async () => {
  await network.fail({ refuse: true });
  expect(await outcome()).toMatch(/ECONNREFUSED/);
  await network.fail({ stall: true });
  expect(await outcome()).toMatch(/timeout/);
  await network.fail({ cutAfterBytes: 500 });
  expect(await outcome()).toMatch(/ECONNRESET|closed|disconnected/);
  await network.heal();
  expect(await outcome()).toBe(200);
});

test('one endpoint fails alone', async () => {
  await network.ways.cdn.relay.fail({ refuse: true });
  expect(await outcome()).toBe(200);
});

test('a slow line is slow for all connections together, and a far one each way', async () => {
  const { signal } = new AbortController();
  network.ways.api.proxy.fail('GET /film', answer(200, 'x'.repeat(50_000)));
  const timed = async (): Promise<number> => {
    const from = performance.now();
    const films = await Promise.all([call('/film', { signal }), call('/film', { signal })]);
    for (const film of films) expect(await film.text()).toHaveLength(50_000);
    return performance.now() - from;
  };
  // Each alone would take 125 ms.
  await network.fail({ bytesPerSecond: 400_000 });
  expect(await timed()).toBeGreaterThan(240);
  await network.fail({ latencyMs: 100 });
  // TCP, TLS and HTTP each ask and are answered once; TCP is this machine's own.
  expect(await timed()).toBeGreaterThan(400);
});

test('a socket falls after a while; on another network it is dead, and nobody is told', async () => {
  // Its own socket would take the fault.
  await road.stopSync();
  const { proxy, relay } = network.ways.socket;
  const open = async (): Promise<WebSocket> => {
    const url = new URL(await user.socketUrl());
    url.port = String(relay.port);
    const socket = new WebSocket(url);
    await once(socket, 'open');
    return socket;
  };
  proxy.fail('GET', fall(50), 1);
  const fallen = await open();
  await once(fallen, 'close');
  const dead = await open();
  network.change();
  const fresh = await open();
  const heard: WebSocket[] = [];
  for (const socket of [dead, fresh]) {
    socket.on('pong', () => heard.push(socket));
    socket.ping();
  }
  await until('the new one is answered', () => heard.length > 0);
  expect(heard).toEqual([fresh]);
  expect(dead.readyState).toBe(WebSocket.OPEN);
  for (const socket of [dead, fresh]) socket.terminate();
});
