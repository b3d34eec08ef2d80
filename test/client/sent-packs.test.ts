import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { hang, loseAnswer, loseRequest } from '../support/network/faults.ts';
import type { Fault } from '../support/network/http-proxy.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount, startAll, until, untilEqual } from './account.ts';

/* Many files of a size that packs are for, and what fails between a device and the store on their way. */

const FILES = 700;
const BYTES = 24_000;
const SECONDS = 120;

let account: Account;
let network: Network;
let [road, desk]: Device[] = [];

beforeEach(async () => {
  account = await openAccount();
  network = await account.network();
  [road, desk] = [await account.device('road', { network }), await account.device('desk')];
});
afterEach(() => account.close());

const place = (device: Device): string => join(device.folder, 'many');

async function writeMany(): Promise<void> {
  await mkdir(place(road!), { recursive: true });
  for (let index = 0; index < FILES; index++) await writeFile(join(place(road!), `${index}`), randomBytes(BYTES));
}

async function expectAll(): Promise<void> {
  await until('all are there', async () => (await readdir(place(desk!)).catch(() => [])).length === FILES, SECONDS);
  await untilEqual(road!, desk!);
  const [one, other] = await Promise.all([road!, desk!].map((device) => readFile(join(place(device), '7'))));
  expect(one!.equals(other!)).toBe(true);
}

/** The packs of the user: those in which contents lie, and those that wait for a save. */
async function packs(): Promise<{ used: number; waiting: number }> {
  const { sql, userId } = await account.metadata();
  const { rows } = await sql.query<{ used: number; waiting: number }>(
    `select (select count(distinct c.pack_hash)::int from blocks.contents c join blocks.blocks b on b.block_hash = c.pack_hash
         where c.user_id = $1 and b.size_bytes > 3 * 1024 * 1024) as used,
       (select count(*)::int from blocks.pins where user_id = $1 and not verified) as waiting`,
    [userId],
  );
  return rows[0]!;
}

const lost: Readonly<Record<string, { readonly route: string; readonly fault: Fault }>> = {
  'nothing is lost': { route: 'GET /nothing', fault: loseRequest },
  'the answer that says where packs go is lost': { route: 'POST /packs', fault: loseAnswer },
  'the request for it is lost': { route: 'POST /packs', fault: loseRequest },
  'the answer of every third save is lost': { route: 'POST /save', fault: everyThird(loseAnswer) },
};

function everyThird(fault: Fault): Fault {
  let calls = 0;
  return async (exchange) => (++calls % 3 === 0 ? fault(exchange) : exchange.reply(await exchange.ask()));
}

test.each(Object.entries(lost))('many files come in packs, also where %s', async (_, { route, fault }) => {
  await writeMany();
  network.ways.api.proxy.fail(route, fault, route === 'POST /packs' ? 1 : undefined);
  startAll(road!, desk!);
  await expectAll();
  expect((await packs()).used).toBeGreaterThan(0);
  expect((await packs()).waiting).toBe(0);
});

test('a device that is killed while a save names its packs brings all of it when it comes back', async () => {
  await writeMany();
  const save = Promise.withResolvers<void>();
  let saves = 0;
  network.ways.api.proxy.fail('POST /save', async (exchange) => {
    if (++saves < 5) return exchange.reply(await exchange.ask());
    save.resolve();
    return hang(exchange);
  });
  startAll(road!, desk!);
  await save.promise;
  const { pid } = road!;
  const stopped = road!.stopSync();
  process.kill(pid!, 'SIGKILL');
  await stopped;
  await network.heal();
  startAll(road!);
  await expectAll();
});
