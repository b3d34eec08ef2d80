import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFolder } from '../../client/engine/folder.ts';
import { runSync } from '../../client/engine/run.ts';
import { instruct } from '../../client/engine/wake.ts';
import { keepAccessTokens } from '../../client/service/access-token.ts';
import { loadConfiguration } from '../../client/service/config.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import { limits } from '../../protocol/limits.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { answer, hang } from '../support/network/faults.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount, until } from './account.ts';

/* Whatever ends a sync says so and ends it at once, though a request that will never be answered is under way. */

let account: Account;
let network: Network;
let device: Device;
let other: Device;
/** What this device and the other one saved so far. */
let saves = 0;

beforeAll(async () => {
  account = await openAccount();
  network = await account.network();
  [device, other] = await Promise.all([account.device('device', { network }), account.device('other')]);
  for (let nth = 0; nth < 6; nth++) await saveHere();
});
afterAll(() => account.close());

/** A sync in this process. */
interface Running {
  readonly events: SyncEvent[];
  readonly stop: AbortController;
  /** What was told before the sync was over, and what it threw. */
  readonly end: Promise<{ readonly told: unknown; readonly thrown: unknown }>;
}

type Cause = (running: Running) => unknown;

const read = (): void => instruct(device.folder, 'read-changes');
const save = (place: string, content: string | Buffer = `${saves}`.repeat(2000)): Promise<void> =>
  writeFile(join(place, `save ${++saves}`), content);
const saveHere = (): Promise<void> => save(device.folder);
/** What goes to the store. */
const saveLarge = (place: string): Promise<void> => writeFile(join(place, `save ${++saves}`), randomBytes(100_000));
const saveLargeHere = (): Promise<void> => saveLarge(device.folder);

async function saveElsewhere(): Promise<void> {
  // More than comes with a push.
  await save(other.folder, randomBytes(limits.rowBytes + 1));
  await account.syncOnce(other);
}

async function saveLargeElsewhere(): Promise<void> {
  await saveLarge(other.folder);
  await account.syncOnce(other);
}

/** The gateway takes no token any more, so that a fresh one is asked for. */
function refuseToken(): void {
  network.ways.api.proxy.fail('GET /changes', answer(401, { message: 'Unauthorized' }), 1);
  read();
}

/** Requests of these hang, once this has made the device send one. */
const slow: Record<string, { readonly way: keyof Network['ways']; readonly route: string; readonly cause: Cause }> = {
  'a ticket': { way: 'api', route: 'POST /ticket', cause: () => network.ways.socket.relay.reset() },
  changes: { way: 'api', route: 'GET /changes', cause: read },
  'upload-init': { way: 'api', route: 'POST /upload-init', cause: saveLargeHere },
  finalize: { way: 'api', route: 'POST /finalize', cause: saveLargeHere },
  'a save': { way: 'api', route: 'POST /save', cause: saveHere },
  'a block up': { way: 'store', route: 'PUT', cause: saveLargeHere },
  download: { way: 'api', route: 'POST /download', cause: saveElsewhere },
  'a block down': { way: 'cdn', route: 'GET', cause: saveLargeElsewhere },
  'the sign-in': { way: 'signIn', route: 'POST', cause: refuseToken },
};

/** The next ticket and the next reading are refused, of which at least one is not under way. */
function refuse(refusal: ReturnType<typeof answer>): void {
  for (const route of ['POST /ticket', 'GET /changes']) network.ways.api.proxy.fail(route, refusal);
  network.ways.socket.relay.reset();
  read();
}

function endSignIn(): void {
  const ended = answer(400, { __type: 'NotAuthorizedException', message: 'Refresh Token has expired' });
  network.ways.signIn.proxy.fail('POST', ended);
  refuse(answer(401, { message: 'Unauthorized' }));
}

/** Out of the folder, from where `start` puts it back. */
async function deleteMost(): Promise<void> {
  await mkdir(away());
  for (const name of await readdir(device.folder)) {
    if (name !== '.tidemark') await rename(join(device.folder, name), join(away(), name));
  }
}
const away = (): string => `${device.folder} away`;

async function loseFolder(): Promise<void> {
  await rename(device.folder, `${device.folder} elsewhere`);
  await mkdir(device.folder);
  await writeFile(join(`${device.folder} elsewhere`, 'noticed'), '');
}

/** What ends a sync, and with which code. */
const ends: Record<string, { readonly code?: string; readonly cause: Cause }> = {
  'a signal': { cause: ({ stop }) => stop.abort() },
  'a revoked device': { code: 'not_signed_in', cause: () => refuse(revoked) },
  'a sign-in that has ended': { code: 'sign_in_refused', cause: endSignIn },
  'a mass deletion': { code: 'mass_delete', cause: deleteMost },
  'a lost folder': { code: 'folder_missing', cause: loseFolder },
};
const revoked = answer(403, { code: 'device_revoked', message: 'this device was revoked' });

/** What has to be answered for it to be found out. */
const isPossible = (end: string, what: string): boolean =>
  !(end === 'a sign-in that has ended' && what === 'the sign-in') &&
  !(/deletion|folder/.test(end) && !/ticket|block/.test(what));

/** Network and folder as they were. */
async function restore(): Promise<void> {
  await network.heal();
  if (existsSync(`${device.folder} elsewhere`)) {
    await rm(device.folder, { recursive: true });
    await rename(`${device.folder} elsewhere`, device.folder);
  }
  if (existsSync(away())) {
    for (const name of await readdir(away())) await rename(join(away(), name), join(device.folder, name));
    await rm(away(), { recursive: true });
  }
}

/** The device at rest. */
async function start(): Promise<Running> {
  await restore();
  const [, , folder] = account.commandOf(device) as [string, string, string];
  const configuration = await loadConfiguration(folder);
  const { root, state } = await openFolder(folder, configuration, device.folder, false);
  const events: SyncEvent[] = [];
  const stop = new AbortController();
  let told: unknown;
  const parts = {
    root,
    state,
    configuration,
    device: { id: configuration.device_id, name: configuration.device_name },
    tokens: keepAccessTokens(folder, configuration),
    apart: new Set<string>(),
  };
  const run = runSync({
    ...parts,
    report: (event) => events.push(event),
    signal: stop.signal,
    onFatal: (error) => {
      told = error;
    },
    once: false,
    allowMassDelete: false,
  });
  const thrown = run.then(
    () => undefined,
    (error: unknown) => error,
  );
  const end = thrown.then((error) => {
    state.close();
    return { told, thrown: error };
  });
  await until('it is at rest', () => events.at(-1)?.event === 'idle' && network.ways.socket.relay.open > 0);
  return { events, stop, end };
}

const cases = Object.keys(ends).flatMap((end) =>
  Object.keys(slow)
    .filter((what) => isPossible(end, what))
    .map((what) => [end, what] as const),
);

test.each(cases)('%s ends a sync at once, and says why, while %s is under way', async (name, what) => {
  const running = await start();
  const { way, route, cause } = slow[what]!;
  const { proxy } = network.ways[way];
  proxy.fail(route, hang);
  const before = proxy.seen.length;
  await cause(running);
  await until('it is under way', () => proxy.seen.slice(before).some((seen) => seen.route.startsWith(route)));
  const { code, cause: end } = ends[name]!;
  await end(running);
  const outcome = await Promise.race([running.end, sleep(8000, 'it goes on')]);
  running.stop.abort();
  if (code === undefined) expect(outcome).toEqual({ told: undefined, thrown: undefined });
  else expect(outcome).toMatchObject({ told: { code }, thrown: { code } });
});

test('a process ends with its code though a block is on its way that never gets there', async () => {
  await restore();
  const ended = new Promise<string>((resolve) => device.startSync(resolve));
  await until('it listens', () => network.ways.socket.relay.open > 0 && device.events.at(-1)?.event === 'idle');
  const { proxy } = network.ways.store;
  proxy.fail('PUT', hang);
  const before = proxy.seen.length;
  await saveLargeHere();
  await until('the block is on its way', () => proxy.seen.length > before);
  refuse(revoked);
  expect(await ended).toMatch(/exit code 3\):\ntidemark: this device was revoked: run 'tidemark login' again$/);
  expect(device.events.at(-1)).toMatchObject({ event: 'error', code: 'not_signed_in' });
});
