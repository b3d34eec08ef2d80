import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { cases } from '../support/network/cases.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount, startAll, until, untilEqual } from './account.ts';

/** How long each lasts: as little as shows it, or with NETWORK=all as long as a tunnel. */
const all = process.env.NETWORK === 'all';
const LASTS_MS = all ? 20_000 : 250;

let account: Account;
let network: Network;
let [road, desk]: Device[] = [];

beforeAll(async () => {
  account = await openAccount();
  network = await account.network();
  [road, desk] = await Promise.all([account.device('road', { network }), account.device('desk')]);
  startAll(road!, desk!);
  await until('they are at rest', () => [road!, desk!].every(({ events }) => events.at(-1)?.event === 'idle'));
});
afterAll(() => account.close());

test.each(cases)(
  '$name: both devices go on, and what was saved meanwhile arrives on both sides',
  async ({ name, strike }) => {
    await strike(network);
    const file = name.replaceAll('/', ' ');
    await writeFile(join(road!.folder, `${file} up`), `up ${name}`);
    await writeFile(join(desk!.folder, `${file} down`), `down ${name}`);
    await sleep(LASTS_MS);
    await network.heal();
    await until('both have both', async () => {
      const there = [join(desk!.folder, `${file} up`), join(road!.folder, `${file} down`)];
      return (await Promise.all(there.map((place) => readFile(place).catch(() => undefined)))).every(Boolean);
    });
    await untilEqual(road!, desk!);
    expect(await readFile(join(desk!.folder, `${file} up`), 'utf8')).toBe(`up ${name}`);
    expect(await readFile(join(road!.folder, `${file} down`), 'utf8')).toBe(`down ${name}`);
  },
  120_000,
);
