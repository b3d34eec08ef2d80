import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { systemCode } from '../../client/common/errors.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import { loseAnswer, loseRequest, repeat } from '../support/network/faults.ts';
import type { Fault } from '../support/network/http-proxy.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount } from './account.ts';

/*
 * Whole devices in a running service, whose calls and answers get lost at random while their users go on. A failure names
 * the history; LOST_HISTORIES and LOST_SEED play more and others.
 */

const numRuns = Number(process.env.LOST_HISTORIES ?? 1);
const seed = Number(process.env.LOST_SEED ?? 48);

type Edit = { readonly do: 'write' | 'remove'; readonly path: string } | Move;
type Move = { readonly do: 'move'; readonly path: string; readonly to: string };

/** What a user does, and what then happens to the first call to a route; the network is gone after a loss. */
interface Turn {
  readonly who: number;
  readonly edits: readonly Edit[];
  readonly route: string;
  readonly fate: keyof typeof faults;
}

const faults = { goes: undefined, repeats: repeat, 'loses the answer': loseAnswer, 'loses the call': loseRequest };

const name = fc.constantFrom('a', 'b');
const path = fc.array(name, { minLength: 1, maxLength: 2 }).map((names) => names.join('/'));
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('write' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), path, to: path }) },
);
const turnOf = (devices: number): fc.Arbitrary<Turn> =>
  fc.record({
    who: fc.nat({ max: devices - 1 }),
    edits: fc.array(edit, { minLength: 1, maxLength: 3 }),
    route: fc.constantFrom('POST /save', 'POST /save', 'POST /finalize', 'POST /move', 'POST /delete'),
    fate: fc.constantFrom('goes', 'repeats', 'loses the answer', 'loses the answer', 'loses the call'),
  });
const histories = (devices: number): Turn[][] =>
  fc.sample(fc.array(turnOf(devices), { minLength: 6, maxLength: 8 }), { numRuns, seed });

class History {
  readonly account: Account;
  readonly devices: readonly Device[];
  readonly network: Network;
  readonly written = new Set<string>();
  /** Contents that a user overwrote or deleted on a device that had them. */
  readonly removed = new Set<string>();
  #count = 0;

  private constructor(account: Account, network: Network, devices: readonly Device[]) {
    this.account = account;
    this.network = network;
    this.devices = devices;
  }

  static async open(): Promise<History> {
    const account = await openAccount();
    onTestFinished(() => account.close());
    const network = await account.network();
    const names = ['desk', 'lap'];
    return new History(account, network, await Promise.all(names.map((device) => account.device(device, { network }))));
  }

  /** One turn; answers what the device held before its sync and after. */
  async play({ who, edits, route, fate }: Turn): Promise<Contents[]> {
    const device = this.devices[who]!;
    const had = await contents(device);
    for (const each of edits) await this.#edit(device.folder, each);
    const before = await contents(device);
    for (const content of before.values()) this.written.add(content);
    for (const content of had.values()) if (![...before.values()].includes(content)) this.removed.add(content);
    const fault = faults[fate];
    if (fault) this.#failOnce(route, fault, fault !== repeat);
    await this.account.syncOnce(device).catch((error) => expect(error.message).toContain('does not answer'));
    await this.network.heal();
    return [before, await contents(device)];
  }

  #failOnce(route: string, fault: Fault, isGone: boolean): void {
    const { proxy } = this.network.ways.api;
    const once: Fault = (exchange) => {
      if (isGone) proxy.fail('', loseRequest);
      return fault(exchange);
    };
    proxy.fail(route, once, 1);
  }

  /** As far as the file system allows it. */
  async #edit(folder: string, change: Edit): Promise<void> {
    const place = join(folder, change.path);
    try {
      if (change.do === 'remove') return await rm(place, { recursive: true });
      const target = change.do === 'move' ? join(folder, change.to) : place;
      await mkdir(dirname(target), { recursive: true });
      if (change.do === 'move') await rename(place, target);
      else await writeFile(place, `content ${++this.#count}`);
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    }
  }
}

type Contents = ReadonlyMap<string, string>;

/** The content of every file by its path, and folders. */
async function contents({ folder }: Device): Promise<Contents> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = new Map<string, string>();
  for (const entry of entries) {
    const at = join(entry.parentPath, entry.name).slice(folder.length + 1);
    if (at.startsWith('.tidemark')) continue;
    found.set(at, entry.isFile() ? await readFile(join(folder, at), 'utf8') : 'a folder');
  }
  return new Map([...found].sort());
}

test.for(histories(1))('one device keeps what its user made, and another gets it: history %#', async (turns) => {
  const history = await History.open();
  const [desk, lap] = history.devices;
  for (const turn of turns) {
    const [before, after] = await history.play(turn);
    expect(after, 'I50: what the user made').toEqual(before);
  }
  const before = await contents(desk!);
  for (const device of [desk!, lap!]) await history.account.syncOnce(device);
  for (const device of [desk!, lap!]) expect(await contents(device), 'I50: what the user made').toEqual(before);
});

test.for(histories(2))('two devices come to the same, with all that nobody removed: history %#', async (turns) => {
  const history = await History.open();
  const [desk, lap] = history.devices;
  for (const turn of turns) await history.play(turn);
  for (const device of [desk!, lap!, desk!, lap!]) await history.account.syncOnce(device);
  const there = await contents(desk!);
  expect(await contents(lap!), 'I50: both sides').toEqual(there);
  const kept = [...there.values()];
  for (const content of history.written) if (!history.removed.has(content)) expect(kept).toContain(content);
});
