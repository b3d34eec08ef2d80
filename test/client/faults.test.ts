import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalTrouble } from '../../client/common/errors.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import { firstDifference } from '../../local/demo/tour/folders.ts';
import { type Disk, fuseIsPossible, mountDisk } from '../support/fuse/disk.ts';
import { type Account, openAccount } from './account.ts';

/** Every call that changes something fails in turn, in one of these ways; with FAULTS=all in each of them. */
const errors = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'] as const;
const all = process.env.FAULTS === 'all';
/** Pairs of devices that play at the same time: part of it is waiting before the next attempt. */
const LANES = 4;
/** A play takes seconds, and a call without an answer 35 more: one that takes so long, ms, stands still, and is named. */
const STUCK_MS = 120_000;

const calls = [
  'create',
  'truncate',
  'write',
  'close',
  'fsync',
  'fsyncdir',
  'chmod',
  'utimens',
  'mkdir',
  'rmdir',
  'unlink',
  'link',
  'rename',
] as const;

interface Place {
  readonly path: string;
  /** From one call that fails to the next. */
  readonly step: number;
}

const folder: Place = { path: '^/lap/(?!.tidemark/state)', step: 1 };
/** `state.test.ts` lets every call on the state's file fail; here some of them are enough. */
const state: Place = { path: '^/lap/.tidemark/state', step: all ? 1 : 60 };
const callsOnState: readonly Call[] = ['create', 'truncate', 'write', 'close', 'fsync', 'unlink'];

type Call = (typeof calls)[number];

interface Fault {
  readonly call: Call;
  readonly nth: number;
  readonly error: (typeof errors)[number] | 'short';
  readonly path: string;
}

/** Two devices of one account, one of them on a disk that fails. */
class Lane {
  readonly disk: Disk;
  readonly #account: Account;
  readonly #desk: Device;
  readonly #lap: Device;
  #round = 0;
  #large = { old: Buffer.alloc(0), fresh: Buffer.alloc(0) };

  private constructor(disk: Disk, account: Account, desk: Device, lap: Device) {
    this.disk = disk;
    this.#account = account;
    this.#desk = desk;
    this.#lap = lap;
  }

  static async open(): Promise<Lane> {
    const [disk, account] = await Promise.all([mountDisk('faults'), openAccount()]);
    const desk = await account.device('desk');
    const lane = new Lane(disk, account, desk, await account.device('lap', { place: join(disk.root, 'lap') }));
    for (const name of ['edited', 'both', 'modes', 'moved 0']) await writeFile(join(desk.folder, name), `${name} 0`);
    await mkdir(join(desk.folder, 'folder 0'));
    await writeFile(join(desk.folder, 'folder 0/inside'), 'inside 0');
    await writeFile(join(desk.folder, 'large'), '');
    await lane.#account.syncOnce(desk);
    await lane.#account.syncOnce(lane.#lap);
    return lane;
  }

  async close(): Promise<void> {
    await this.#account.close();
    await this.disk.close();
  }

  /** One of every kind of change on the other device, some here; then a sync with this fault. Returns whether it struck. */
  async play(fault: Fault): Promise<boolean> {
    await this.#change(++this.#round);
    await this.disk.counts();
    await this.disk.fail(fault);
    const met = await this.#sync();
    const { failed = 0 } = await this.disk.counts();
    await this.disk.heal();
    if (met instanceof Error) await this.#account.syncOnce(this.#lap);
    await this.#check(JSON.stringify(fault));
    return failed > 0;
  }

  async #change(round: number): Promise<void> {
    const at = (name: string): string => join(this.#desk.folder, name);
    this.#large = { old: this.#large.fresh, fresh: randomBytes(300_000) };
    await writeFile(at('edited'), `edited ${round}`);
    await writeFile(at('large'), this.#large.fresh);
    await writeFile(at('both'), `both ${round}, desk`);
    await chmod(at('modes'), round % 2 ? 0o600 : 0o644);
    await rename(at(`moved ${round - 1}`), at(`moved ${round}`));
    await rm(at(`folder ${round - 1}`), { recursive: true });
    await mkdir(at(`folder ${round}`));
    await writeFile(at(`folder ${round}/inside`), `inside ${round}`);
    for (const name of await readdir(this.#desk.folder)) {
      if (/conflicted copy|from lap/.test(name)) await rm(at(name));
    }
    await this.#account.syncOnce(this.#desk);
    await writeFile(join(this.disk.source, 'lap/both'), `both ${round}, lap`);
    await writeFile(join(this.disk.source, `lap/from lap ${round}`), 'x');
  }

  /** The error that ended the sync, which is one in words, or nothing. At any moment each file is the old or the new one. */
  async #sync(): Promise<Error | undefined> {
    const round = this.#round;
    const demandWhole = (): void => {
      const read = (name: string): Buffer => readFileSync(join(this.disk.source, 'lap', name));
      expect([`edited ${round}`, `edited ${round - 1}`]).toContain(read('edited').toString());
      const large = read('large');
      expect(large.equals(this.#large.fresh) || large.equals(this.#large.old)).toBe(true);
    };
    try {
      await this.#account.syncOnce(this.#lap, demandWhole);
      return undefined;
    } catch (error) {
      if (error instanceof LocalTrouble) return error;
      expect(error).toMatchObject({ code: expect.stringMatching(/^(local_trouble|incomplete)$/) });
      return error as Error;
    }
  }

  /** Nothing is lost, nothing is damaged, nothing came back, and both sides agree. */
  async #check(what: string): Promise<void> {
    const round = this.#round;
    await this.#account.syncOnce(this.#desk);
    expect(await firstDifference(this.#desk.folder, join(this.disk.source, 'lap')), what).toBeUndefined();
    const read = (name: string): Promise<Buffer> => readFile(join(this.#desk.folder, name));
    const names = (await readdir(this.#desk.folder)).filter((name) => name !== '.tidemark').sort();
    const copies = names.filter((name) => name.includes('conflicted copy'));
    const expected = ['both', 'edited', `folder ${round}`, `from lap ${round}`, 'large', 'modes', `moved ${round}`];
    expect(names, what).toEqual([...expected, ...copies].sort());
    expect((await read('large')).equals(this.#large.fresh), what).toBe(true);
    expect((await read('edited')).toString(), what).toBe(`edited ${round}`);
    const both = await Promise.all(['both', ...copies].map(async (name) => (await read(name)).toString()));
    expect(both.sort(), what).toEqual([`both ${round}, desk`, `both ${round}, lap`]);
  }
}

/** Lanes on which nobody plays. */
const free: Lane[] = [];
const lanes: Lane[] = [];
const turns = pLimit(LANES);

/** Plays on a free lane; one that stands still keeps its lane. */
function play(fault: Fault): Promise<boolean> {
  return turns(async () => {
    const lane = free.pop()!;
    const stuck = new AbortController();
    const late = sleep(STUCK_MS, undefined, { signal: stuck.signal }).then(() => {
      throw new Error(`stands still for ${STUCK_MS / 1000} s: ${JSON.stringify(fault)}`);
    });
    const struck = await Promise.race([lane.play(fault), late]);
    stuck.abort();
    free.push(lane);
    return struck;
  });
}

/** Lets one call fail after the other until there are no more; answers how many did. */
async function playAll(call: Call, { path, step }: Place, ways: readonly Fault['error'][]): Promise<number> {
  for (let count = 0; ; count++) {
    const error = ways[count % ways.length]!;
    if (!(await play({ call, nth: 1 + count * step, error, path }))) return count;
  }
}

function waysOf(call: Call): Fault['error'][] {
  return [...errors, ...(call === 'write' ? (['short'] as const) : [])];
}

describe.skipIf(!fuseIsPossible)('every file is whole and nothing is lost', { concurrent: true }, () => {
  beforeAll(async () => {
    lanes.push(...(await Promise.all(Array.from({ length: LANES }, () => Lane.open()))));
    free.push(...lanes);
  });
  afterAll(() => Promise.all(lanes.map((lane) => lane.close())));

  test.each(calls)(
    'whichever %s of the disk fails, and however',
    { timeout: all ? 7_200_000 : 300_000 },
    async (call) => {
      const places = callsOnState.includes(call) ? [folder, state] : [folder];
      // Each way for itself, or from call to call another one.
      const ways = all ? waysOf(call).map((way) => [way]) : [waysOf(call)];
      const struck = await Promise.all(places.flatMap((place) => ways.map((some) => playAll(call, place, some))));
      expect(Math.min(...struck)).toBeGreaterThan(0);
    },
  );
});
