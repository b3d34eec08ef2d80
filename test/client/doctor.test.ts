import { randomBytes } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeClock, networkRemedy } from '../../client/commands/checks/endpoints.ts';
import { judgeRoom, judgeWatches } from '../../client/commands/checks/machine.ts';
import { Device } from '../../local/demo/devices/device.ts';
import { limits } from '../../protocol/limits.ts';
import { Finding } from '../../protocol/output/finding.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount } from './account.ts';
import { temporaryFolder } from './folder.ts';

describe('a finding', () => {
  test.each([
    [500, 'ok', /within 1 s of/],
    [-59_000, 'ok', /within 59 s of/],
    [60_000, 'warning', /60 s ahead of/],
    [-86_400_000, 'warning', /86400 s behind/],
  ])('of a clock that is %d ms ahead', (ahead, state, message) => {
    expect(judgeClock(ahead)).toMatchObject({ state, message: expect.stringMatching(message) });
  });

  test.each([
    [1, 192_536, 'ok'],
    [8_000, 10_000, 'ok'],
    [8_001, 10_000, 'warning'],
  ])('of %d directories of %d that may be watched', (directories, most, state) => {
    expect(judgeWatches(directories, most).state).toBe(state);
  });

  test('of too few watches names one that is enough for long', () => {
    expect(judgeWatches(9_000, 8_192).remedy).toContain('sysctl fs.inotify.max_user_watches=32768;');
  });

  test.each([
    [600e6, 'ok'],
    [500e6, 'warning'],
    [268e6, 'failed'],
  ])('of a disk with %d free bytes', (free, state) => {
    expect(judgeRoom(free, 268e6).state).toBe(state);
  });

  test('of no answer says so when there is a proxy that is not used', () => {
    expect(networkRemedy('host', {})).toContain('lets host be reached');
    expect(networkRemedy('host', { https_proxy: 'http://x' })).toContain('only with NODE_USE_ENV_PROXY=1');
    expect(networkRemedy('host', { HTTPS_PROXY: 'http://x', NODE_USE_ENV_PROXY: '1' })).toContain('lets host be');
  });
});

describe('a device', { timeout: 240_000 }, () => {
  let account: Account;
  let network: Network;
  let desk: Device;
  beforeAll(async () => {
    account = await openAccount();
    network = await account.network();
    desk = await account.device('desk', { network });
  });
  afterAll(() => account.close());

  /** What is found, by the state of each check, and the command's exit code. */
  async function examined(device = desk): Promise<{ states: Record<string, string>; code: number; all: Finding[] }> {
    let [text, code] = ['', 0];
    try {
      text = await device.run(['doctor', '--json']);
    } catch (error) {
      [text, code] = [(error as Error).message.replace(/^.*failed:\n/, ''), 1];
    }
    const all = text
      .trim()
      .split('\n')
      .map((line) => Finding.parse(JSON.parse(line)));
    return { states: Object.fromEntries(all.map(({ check, state }) => [check, state])), code, all };
  }
  const well = {
    ...{ version: 'ok', service: 'ok', clock: 'ok', 'sign-in': 'ok', store: 'ok', cdn: 'ok', socket: 'ok' },
    ...{ folder: 'ok', disk: 'ok', sync: 'warning' },
  };

  test('asks the service once what it is', async () => {
    const { seen } = network.ways.api.proxy;
    const before = seen.length;
    await examined();
    expect(seen.slice(before).filter(({ route }) => route === 'GET /service')).toHaveLength(1);
  });

  test('that syncs no folder yet has its endpoints tried as far as that goes', async () => {
    const { states, code } = await examined();
    expect(states).toMatchObject({ store: 'ok', socket: 'ok', folder: 'skipped' });
    expect(states).not.toHaveProperty('cdn');
    expect(code).toBe(0);
  });

  test('to which nothing is wrong is told that, and what runs; nothing of it is left at the service', async () => {
    await writeFile(join(desk.folder, 'large'), randomBytes(limits.smallBytes + 1));
    await desk.run(['sync', desk.folder, '--once']);
    expect(await examined()).toMatchObject({ states: well, code: 0 });
    const { body } = await (await account.caller()).call('GET', '/devices');
    expect(body.devices).toContainEqual(expect.objectContaining({ name: 'desk', revoked: false }));
    expect(await desk.run(['doctor'])).toMatch(
      /^ok {6}version {2}tidemark .*\n[\s\S]*\n! {7}sync {5}no sync is running\n/,
    );
    expect(await desk.run(['sync', '--once'])).toMatch(/up to date\n$/);
  });

  test.each(['store', 'cdn', 'socket', 'signIn'] as const)('that does not reach %s is told which host', async (way) => {
    await network.ways[way].relay.fail({ refuse: true });
    const { states, code, all } = await examined();
    await network.heal();
    const check = way === 'signIn' ? 'sign-in' : way;
    const finding = all.find((one) => one.check === check);
    expect(finding).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
    expect(finding?.remedy).toMatch(/look whether this network lets 127\.0\.0\.1:\d+ be reached/);
    expect(code).toBe(way === 'socket' ? 0 : 1);
    const others = Object.keys(states).filter((name) => name !== check);
    expect(states).toEqual(
      expect.objectContaining(
        Object.fromEntries(others.map((name) => [name, well[name as keyof typeof well] ?? 'ok'])),
      ),
    );
  });

  test('that does not reach the service is told about the rest of the machine all the same', async () => {
    await network.fail({ refuse: true });
    const { states, code } = await examined();
    await network.heal();
    expect(states).toMatchObject({ service: 'failed', 'sign-in': 'skipped', folder: 'ok', disk: 'ok' });
    expect(code).toBe(1);
  });

  test('whose folder is away, and one that is not signed in, are told so', async () => {
    await rename(desk.folder, `${desk.folder}-away`);
    const { states } = await examined();
    expect(states).toMatchObject({ folder: 'failed', store: 'ok' });
    expect(states).not.toHaveProperty('cdn');
    await rename(`${desk.folder}-away`, desk.folder);
    const folder = await temporaryFolder();
    const stranger = await examined(new Device('stranger', folder, join(folder, 'config')));
    expect(stranger).toMatchObject({ states: { version: 'ok', 'sign-in': 'failed' }, code: 1 });
  });
});
