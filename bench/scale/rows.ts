import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { statePlace } from '../../client/state/places.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { stateFolder } from '../../protocol/reserved-name.ts';
import { used } from '../sync/counters.ts';
import { takePeak } from '../sync/processes.ts';
import { type CloudProcess, openAccount, startCloudProcess } from '../sync/tools/local-cloud.ts';
import type { Ground } from '../sync/tools/tool.ts';

/** What takes longer says this often how far it is, ms. */
const SAYING_MS = 10_000;

/** What something took that one device did with the whole account. */
export interface Row {
  readonly what: string;
  /** Until the device was at rest again. */
  readonly seconds: number;
  /** Requests of devices, to the API, the store and the CDN. */
  readonly calls: number;
  /** All bytes that devices exchanged with the service. */
  readonly bytes: number;
  /** The most that the device had in memory meanwhile, in bytes. */
  readonly peak: number;
  /** Its state at the end, in bytes. */
  readonly state: number;
}

/** How many files an account has, and how many of them a folder. */
interface Size {
  readonly files: number;
  readonly perFolder: number;
}

interface Scene {
  readonly cloud: CloudProcess;
  readonly ground: Ground;
  readonly progress: (line: string) => void;
}

interface Work {
  readonly what: string;
  readonly device: Device;
  readonly act: () => Promise<void> | void;
  /** What the device says of it, where it may be at rest before it has noticed. */
  readonly shownBy?: SyncEvent['event'];
}

/** Puts so many files into one account, and does what depends on how many there are, one after the other. */
export async function* measureAll(
  assembly: string,
  size: Size,
  { ground, progress }: Omit<Scene, 'cloud'>,
): AsyncGenerator<Row> {
  const cloud = await startCloudProcess(assembly, ground);
  const scene = { cloud, ground, progress };
  const signIn = await openAccount(cloud, ground);
  const [laptop, desktop] = [await signIn('laptop'), await signIn('desktop')];
  const start = (device: Device, ...words: readonly string[]) =>
    device.startSync((reason) => ground.fail(new Error(reason)), words);
  progress('makes the files');
  await makeFiles(laptop.folder, size);

  yield measure(scene, { what: 'first upload', device: laptop, act: () => start(laptop) });
  await laptop.stopSync();
  yield measure(scene, { what: 'start with nothing changed', device: laptop, act: () => start(laptop) });
  const file = join(laptop.folder, '0', '0.txt');
  yield measure(scene, {
    what: 'one file changed',
    device: laptop,
    act: () => writeFile(file, 'changed'),
    shownBy: 'uploaded',
  });
  yield measure(scene, {
    what: `a folder of ${size.perFolder.toLocaleString('en')} renamed`,
    device: laptop,
    act: () => rename(join(laptop.folder, '0'), join(laptop.folder, 'renamed')),
    shownBy: 'renamed',
  });
  yield measure(scene, { what: 'an empty second device', device: desktop, act: () => start(desktop) });
  await desktop.stopSync();
  await laptop.stopSync();
  await rm(join(laptop.folder, stateFolder), { recursive: true });
  const anew = () => start(laptop, '--start-anew');
  yield measure(scene, { what: 'a device whose state was lost', device: laptop, act: anew });
}

/** Files of a few hundred bytes, all different. */
async function makeFiles(folder: string, { files, perFolder }: Size): Promise<void> {
  for (let nth = 0; nth < files; nth++) {
    const inside = join(folder, String(Math.floor(nth / perFolder)));
    if (nth % perFolder === 0) await mkdir(inside);
    await writeFile(join(inside, `${nth}.txt`), `file ${nth}\n`.repeat(20));
  }
}

async function measure({ cloud, ground, progress }: Scene, { what, device, act, shownBy }: Work): Promise<Row> {
  const counters = async () => {
    const reply = await cloud.ask({ ask: 'counters' });
    return reply.reply === 'counters' ? reply.counters : {};
  };
  const before = await counters();
  if (device.pid !== undefined) takePeak(device.pid);
  const from = device.events.length;
  const begin = performance.now();
  await act();
  const isThrough = (): boolean => {
    const events = device.events.slice(from);
    const shown = shownBy === undefined || events.some(({ event }) => event === shownBy);
    return shown && events.at(-1)?.event === 'idle';
  };
  for (let said = begin; !isThrough(); await sleep(20, undefined, { signal: ground.signal })) {
    if (performance.now() - said < SAYING_MS) continue;
    said = performance.now();
    progress(`${what}: ${device.events.length - from} events in ${((said - begin) / 1000).toFixed(0)} s`);
  }
  const seconds = (performance.now() - begin) / 1000;
  const spent = used(before, await counters());
  const calls = spent['requests.devices'] ?? 0;
  const bytes = (spent.up ?? 0) + (spent.down ?? 0);
  return { what, seconds, calls, bytes, peak: takePeak(device.pid!), state: stateBytes(device.folder) };
}

/** Of the database as it is read, whatever part of it lies in its log. */
function stateBytes(folder: string): number {
  const state = new DatabaseSync(statePlace(folder), { readOnly: true });
  try {
    const of = (pragma: string): number => Number(Object.values(state.prepare(`pragma ${pragma}`).get()!)[0]);
    return of('page_count') * of('page_size');
  } finally {
    state.close();
  }
}
