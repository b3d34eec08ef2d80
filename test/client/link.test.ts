import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fall } from '../support/network/faults.ts';
import { openAccount, startAll, until, untilEqual } from './account.ts';

describe('a device', () => {
  test('notices a socket that only looks alive, and hears of others again', async () => {
    const account = await openAccount();
    onTestFinished(() => account.close());
    const network = await account.network();
    const [road, desk] = await Promise.all([account.device('road', { network }), account.device('desk')]);
    startAll(road, desk);
    const heard = (): boolean => network.ways.socket.proxy.seen.some(({ status }) => status === 101);
    await until('it listens', heard);
    await writeFile(join(desk.folder, 'first'), '1');
    await untilEqual(road, desk);
    network.change();
    await writeFile(join(desk.folder, 'second'), '2');
    // Each connection that the client has kept open is as dead; a request over one of them would be given up after 35 s.
    await until('the second file is here', () => existsSync(join(road.folder, 'second')));
    await untilEqual(road, desk);
  }, 120_000);

  test('whose socket opens and falls goes on by reading, less and less often', async () => {
    const account = await openAccount();
    onTestFinished(() => account.close());
    const network = await account.network();
    network.ways.socket.proxy.fail('GET', fall(100));
    const [road, desk] = await Promise.all([account.device('road', { network }), account.device('desk')]);
    startAll(road, desk);
    const tickets = (): number => network.ways.api.proxy.seen.filter(({ route }) => route === 'POST /ticket').length;
    await until('it fell some times', () => tickets() >= 4);
    await writeFile(join(desk.folder, 'first'), '1');
    await untilEqual(road, desk);
    // Without waits that grow there would be one every tenth of a second.
    const begin = network.ways.api.proxy.seen[0]!.at;
    expect((performance.now() - begin) / tickets()).toBeGreaterThan(150);
  });
});
