import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Message, sessionBus, Variant } from '@jellybrick/dbus-next';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { readMetered } from '../../client/service/metered.ts';
import { SyncStatus } from '../../protocol/output/sync-status.ts';
import { type Account, openAccount, startAll, until } from './account.ts';
import { temporaryFolder } from './folder.ts';

const NAME = 'org.freedesktop.NetworkManager';

/** What NetworkManager says. */
let said = 0;

/** Starts a bus with nobody on it, which is the system's for this process and those that it starts. */
async function startBus(): Promise<void> {
  const folder = await temporaryFolder();
  const configuration = join(folder, 'bus.conf');
  await writeFile(
    configuration,
    `<busconfig><type>session</type><listen>unix:dir=${folder}</listen><auth>EXTERNAL</auth>
    <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
  );
  const bus = spawn('dbus-daemon', ['--config-file', configuration, '--nofork', '--print-address'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void bus.kill());
  const [address] = await once(createInterface({ input: bus.stdout }), 'line');
  const before = process.env.DBUS_SYSTEM_BUS_ADDRESS;
  process.env.DBUS_SYSTEM_BUS_ADDRESS = address;
  onTestFinished(() => {
    if (before === undefined) delete process.env.DBUS_SYSTEM_BUS_ADDRESS;
    else process.env.DBUS_SYSTEM_BUS_ADDRESS = before;
  });
}

/**
 * Answers as NetworkManager does when it is asked for one property:
 * https://networkmanager.dev/docs/api/latest/gdbus-org.freedesktop.NetworkManager.html
 */
async function startNetworkManager(): Promise<void> {
  const bus = sessionBus({ busAddress: process.env.DBUS_SYSTEM_BUS_ADDRESS! });
  onTestFinished(() => bus.disconnect());
  bus.addMethodHandler((message) => {
    const { member, path, body } = message;
    if (member !== 'Get' || path !== '/org/freedesktop/NetworkManager') return false;
    if (body.join() !== `${NAME},Metered`) return false;
    bus.send(Message.newMethodReturn(message, 'v', [new Variant('u', said)]));
    return true;
  });
  await bus.requestName(NAME, 0);
}

/** CI must have both. */
const busIsPossible =
  process.env.CI === 'true' ||
  ['dbus-daemon', 'busctl'].every((program) => spawnSync(program, ['--version']).status === 0);

let account: Account;
beforeAll(async () => {
  account = await openAccount();
});
afterAll(() => account.close());

test.skipIf(!busIsPossible)(
  'the system is asked whether the connection is metered, and where it does not say, it is not known',
  async () => {
    await startBus();
    expect(await readMetered()).toBe('unknown');
    await startNetworkManager();
    const answers = [];
    for (const each of [0, 1, 2, 3, 4, 9]) {
      said = each;
      answers.push(await readMetered());
    }
    expect(answers).toEqual(['unknown', 'yes', 'no', 'yes', 'no', 'unknown']);
  },
);

test.skipIf(!busIsPossible)(
  'a device that was told so syncs nothing while the connection is metered, and says why',
  async () => {
    await startBus();
    await startNetworkManager();
    said = 1;
    const device = await account.device('telephone');
    const status = async (): Promise<SyncStatus> =>
      SyncStatus.parse(JSON.parse(await device.run(['status', '--json'])));
    // Nobody asked for it yet.
    await device.run(['sync', device.folder, '--once']);
    expect((await status()).paused).toBeUndefined();

    expect(JSON.parse(await device.run(['metered', 'pause', '--json']))).toEqual({
      metered: 'yes',
      on_metered: 'pause',
    });
    await expect(device.run(['sync', '--once'])).rejects.toThrow("run 'tidemark metered sync'");
    startAll(device);
    await until('it waits', () => device.events.at(-1)?.event === 'paused');
    expect(device.events.at(-1)).toEqual({ event: 'paused', metered: true });
    expect(await status()).toMatchObject({ running: true, paused: { metered: true } });
    expect(await device.run(['status'])).toContain('paused while this connection is metered');
    expect(await device.run(['doctor'])).toContain("'tidemark metered sync' goes on");
    await writeFile(join(device.folder, 'photo'), 'a photo');

    said = 2;
    await until('it goes on', () => device.events.some(({ event }) => event === 'uploaded'));
    said = 3;
    await until('it waits again', () => device.events.at(-1)?.event === 'paused');
    expect(await device.run(['metered', 'sync'])).toContain('it would be used as any other');
    await until('it goes on, whatever it costs', () => device.events.at(-1)?.event === 'idle');
    expect((await status()).paused).toBeUndefined();
  },
);
