import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { openFolder } from '../../client/engine/folder.ts';
import { Heap } from '../../client/engine/heap.ts';
import { runSync } from '../../client/engine/run.ts';
import { keepAccessTokens } from '../../client/service/access-token.ts';
import { loadConfiguration } from '../../client/service/config.ts';
import { Connections } from '../../client/service/connections.ts';
import { Heartbeat } from '../../client/service/heartbeat.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { invoke } from '../service/support/service.ts';
import { lostPush } from '../support/lost-push.ts';
import { answer } from '../support/network/faults.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount } from './account.ts';

const MINUTE = 60;

let account: Account;
let network: Network;
/** Lets time pass, which stands while a ping or a call waits for its answer, in steps of so long. */
let pass: (seconds: number, stepMs?: number) => Promise<void>;
/** The calls that the device made since it was asked. */
let calls: () => string[];
let folder: string;
/** Ends the sync. */
let end: () => Promise<void>;

/** A device at rest in this process, of which the test has the time. */
beforeEach(async () => {
  account = await openAccount();
  network = await account.network();
  const device = await account.device('device', { network });
  const [, , home] = account.commandOf(device) as [string, string, string];
  const configuration = await loadConfiguration(home);
  folder = device.folder;
  const { root, state } = await openFolder(home, configuration, folder, false);
  const [stop, events] = [new AbortController(), [] as SyncEvent[]];

  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  const [sent, answered] = [vi.spyOn(WebSocket.prototype, 'send'), vi.spyOn(Heartbeat.prototype, 'answered')];
  const asked = vi.spyOn(Connections.prototype, 'request');
  const isOpen = (): boolean => (sent.mock.instances.at(-1) as unknown as WebSocket).readyState === WebSocket.OPEN;
  const waits = (): boolean =>
    (isOpen() && sent.mock.calls.length > answered.mock.calls.length) ||
    asked.mock.settledResults.some(({ type }) => type === 'incomplete');
  pass = async (seconds, stepMs = 1000) => {
    for (let passed = 0; passed < seconds * 1000; passed += stepMs) {
      vi.advanceTimersByTime(stepMs);
      do await sleep(1);
      while (waits());
    }
  };
  const run = runSync({
    ...{ root, state, configuration, signal: stop.signal, once: false, allowMassDelete: false },
    device: { id: configuration.device_id, name: 'device' },
    tokens: keepAccessTokens(home, configuration),
    report: (event) => events.push(event),
    apart: new Set(),
  });
  end = () => {
    stop.abort();
    return run;
  };
  onTestFinished(async () => {
    vi.useRealTimers();
    await end();
    state.close();
    await account.close();
  });
  const { seen } = network.ways.api.proxy;
  calls = () => seen.splice(0).map(({ route }) => route);
  // What it asks at its start is answered in the time of everybody else.
  const started = (): boolean => sent.mock.calls.length > 0 && seen.some(({ route }) => route === 'GET /heal');
  while (!started() || events.at(-1)?.event !== 'idle') {
    vi.advanceTimersByTime(10);
    await sleep(10);
  }
  calls();
});
afterEach(() => vi.restoreAllMocks());

test('a connected device that has nothing to do makes no call in an hour', async () => {
  await pass(60 * MINUTE);
  expect(calls()).toEqual([]);
});

test('a sync that has ended gives no memory back', async () => {
  const rests = vi.spyOn(Heap.prototype, 'rests');
  await writeFile(join(folder, 'file'), 'work');
  while (rests.mock.calls.length === 0) {
    vi.advanceTimersByTime(10);
    await sleep(10);
  }
  const measured = vi.spyOn(process, 'memoryUsage');
  await end();
  vi.advanceTimersByTime(MINUTE * 1000);
  expect(measured).not.toHaveBeenCalled();
});

test('a push that was given up makes a device read the changes with its next ping', async () => {
  const { id } = await account.caller();
  await invoke('Notify', lostPush(id, 1));
  await pass(MINUTE);
  expect(calls()).toContain('GET /changes');
});

test('a device whose sockets are refused reads the changes each minute, however often it tries', async () => {
  network.ways.socket.proxy.fail('', answer(429, { message: 'Too Many Requests' }));
  network.ways.socket.relay.reset();
  // Slowly enough for the answers to connections.
  await pass(10 * MINUTE, 200);
  const made = calls();
  const count = (route: string): number => made.filter((each) => each === route).length;
  expect(count('GET /changes')).toBeLessThanOrEqual(12);
  expect(count('POST /ticket')).toBeGreaterThan(15);
});
