import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Disk, fuseIsPossible, mountDisk } from '../support/fuse/disk.ts';
import { Network } from '../support/network/network.ts';
import { type Service, startService } from '../support/service.ts';
import { InjectedTime } from '../support/time/injected-time.ts';
import { leaveOut } from './simulation/leave-out.ts';
import { lives } from './simulation/lives.ts';
import type { Site } from './simulation/machine.ts';
import { MisledWatch } from './simulation/misled-watch.ts';
import { play } from './simulation/play.ts';
import { type Scenario, type Step, scenario, singly } from './simulation/scenario.ts';

/*
 * Two to four devices, each the client's own engine, in a service of which calls get lost, come late and twice or are never
 * answered, on disks that fail, stopped anywhere and brought back from older copies, while their users work on, events
 * of their folders get lost, time passes and the service collects. At rest all have the same, the service too, and
 * nothing that a user made is gone.
 *
 * The devices' time leaps over what they wait for, and what they leave to chance comes from the life. Calls and disks
 * take the time that they take.
 *
 * SIM_RUNS plays more. A failure's report names SIM_SEED and SIM_PATH, which play its life again, and has the actions of
 * it that were found to be enough in SIM_SHRINK minutes, as SIM_LIFE, which plays those.
 */
const { SIM_RUNS = '60', SIM_SEED = '1', SIM_PATH, SIM_LIFE, SIM_SHRINK = '5' } = process.env;
/** What devices and the service do at once comes in another order each time: a life fails that fails once in so many. */
const TRIES = 3;
const MOST_DEVICES = 5;
/** So long after a call, ms, others may be told of it. */
const TELLING_MS = 100;
/** Far longer than any life takes. */
const LIFE_MS = 180_000;

let service: Service;
let disk: Disk | undefined;
let folder: string;
const sites: Site[] = [];
let time: InjectedTime;
let watch: MisledWatch;
beforeAll(async () => {
  service = await startService();
  folder = await mkdtemp(join(tmpdir(), 'tidemark-simulation-'));
  disk = fuseIsPossible ? await mountDisk('faults') : undefined;
  time = new InjectedTime(() => sites.some(({ network }) => network.isUnderWay) || mayBeTelling());
  watch = new MisledWatch();
  for (let index = 0; index < MOST_DEVICES; index++) {
    const network = await Network.open({ api: service.cloud.urls.api, data: service.data });
    const place = index === 0 && disk ? disk.root : await mkdtemp(join(folder, 'site-'));
    sites.push({ network, place, disk: index === 0 ? disk : undefined, time, watch });
  }
});
afterAll(async () => {
  time?.close();
  watch?.close();
  for (const { network } of sites) await network.close();
  await disk?.close();
  await rm(folder, { recursive: true, force: true });
  await service?.stop();
});

/** Whether a call may have been such that the service is about to tell other devices, which hear it. */
function mayBeTelling(): boolean {
  const ways = sites.map(({ network }) => network.ways);
  const since = performance.now() - TELLING_MS;
  return (
    ways.some(({ socket }) => socket.proxy.sockets > 0) &&
    ways.some(({ api }) => (api.proxy.seen.at(-1)?.at ?? 0) > since)
  );
}

/** Why a life fails; `undefined` when it does not. */
async function failureOf(life: Scenario): Promise<unknown> {
  for (let nth = 0; nth < TRIES; nth++) {
    try {
      await play(service, sites, life);
    } catch (error) {
      return error;
    }
  }
  return undefined;
}

/** What is left of a life that failed when it is looked for fewer actions that do as well. */
async function shortened(life: Scenario): Promise<Scenario> {
  const end = performance.now() + Number(SIM_SHRINK) * 60_000;
  const { steps, ...rest } = singly(life);
  const isEnough = async (fewer: readonly Step[]): Promise<boolean> =>
    performance.now() < end && (await failureOf({ ...rest, steps: fewer })) !== undefined;
  return { ...rest, steps: await leaveOut(steps, isEnough) };
}

test.skipIf(SIM_LIFE !== undefined)(
  'whatever fails, devices and service come to the same, with all that users made',
  { timeout: 3_600_000 },
  async () => {
    const property = fc.asyncProperty(scenario, (life) => play(service, sites, life));
    const outcome = await fc.check(property, {
      numRuns: Number(SIM_RUNS),
      seed: Number(SIM_SEED),
      ...(SIM_PATH !== undefined && { path: SIM_PATH }),
      endOnFailure: true,
      timeout: LIFE_MS,
    });
    expect(outcome.numRuns).toBeGreaterThan(0);
    if (!outcome.failed) return;
    const report = `${fc.defaultReportMessage(outcome)}\n\nIt failed with ${outcome.errorInstance}`;
    // Whoever ends the run meanwhile knows why.
    process.stderr.write(`${report}\n`);
    const life = JSON.stringify(await shortened(outcome.counterexample![0]));
    throw new Error(`${report}\n\nThese of its actions are enough:\nSIM_LIFE='${life}'`);
  },
);

test.each(lives)('a life comes to the same: %s', { timeout: 300_000 }, (_name, life) => play(service, sites, life));

test.runIf(SIM_LIFE !== undefined)('the life of SIM_LIFE comes to the same', { timeout: 300_000 }, async () => {
  const failure = await failureOf(JSON.parse(SIM_LIFE!));
  if (failure) throw failure;
});
