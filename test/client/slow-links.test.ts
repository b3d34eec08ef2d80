import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { answer } from '../support/network/faults.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount, startAll, until, untilEqual } from './account.ts';

/* A device behind a slow link, and one beside the service. */

const MIB = 1024 * 1024;
let account: Account;
let network: Network;
let road: Device;
let desk: Device;

beforeAll(async () => {
  account = await openAccount();
  network = await account.network();
  [road, desk] = await Promise.all([account.device('road', { network }), account.device('desk')]);
  startAll(road, desk);
  await untilEqual(road, desk);
});
afterEach(() => network.heal());
afterAll(() => account.close());

const save = (device: Device, path: string, content: string | Buffer): Promise<void> =>
  writeFile(join(device.folder, path), content);
const isAt = (device: Device, path: string): boolean => existsSync(join(device.folder, path));

test('a note saved while a film goes up and another comes down is at the other device meanwhile', async () => {
  await network.fail({ bytesPerSecond: 200_000 });
  const { moved } = network.line;
  await save(desk, 'down.film', randomBytes(8 * MIB));
  await until('one comes down', () => moved.down > 500_000);
  await save(road, 'up.film', randomBytes(8 * MIB));
  await until('one goes up', () => moved.up > 500_000);
  await save(road, 'note', 'bread');
  await save(desk, 'answer', 'milk');
  await until('the notes are there', () => isAt(desk, 'note') && isAt(road, 'answer'));
  expect([isAt(desk, 'up.film'), isAt(road, 'down.film')], 'whether the films were done before').toEqual([
    false,
    false,
  ]);
  await network.heal();
  await untilEqual(road, desk);
});

test('while the CDN stands still, changes are read, and what needs nothing of it goes on both ways', async () => {
  await network.ways.cdn.relay.fail({ stall: true });
  await save(desk, 'waits', randomBytes(100_000));
  await until('it is asked for', () => isAt(desk, 'waits'));
  await save(road, 'goes up', 'u');
  await save(desk, 'empty', '');
  await until('the others are there', () => isAt(desk, 'goes up') && isAt(road, 'empty'));
  expect(isAt(road, 'waits')).toBe(false);
  await network.heal();
  await untilEqual(road, desk);
});

test('a store that refuses every block is named, and is not asked again at once', async () => {
  const { proxy } = network.ways.store;
  proxy.fail('PUT', answer(403));
  proxy.seen.length = 0;
  const before = road.events.length;
  await save(road, 'refused', randomBytes(9 * MIB));
  const since = () => road.events.slice(before);
  await until('it is named', () => since().some((event) => event.event === 'error'));
  expect(since().find((event) => event.event === 'error')).toMatchObject({
    path: 'refused',
    message: 'the block store refused the upload (403)',
  });
  await sleep(3000);
  expect(proxy.seen.length, 'blocks that were sent, of three').toBeLessThanOrEqual(3);
  expect(since().map(({ event }) => event)).not.toContain('idle');
});
