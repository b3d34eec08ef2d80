import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Device } from '../../local/demo/devices/device.ts';
import { firstDifference } from '../../local/demo/tour/folders.ts';
import { freePorts } from '../support/ports.ts';
import { scratch } from '../support/scratch.ts';
import { startService } from '../support/service.ts';
import { age, knownBlocks, storedBlocks, sweep } from '../support/storage.ts';

const MIB = 1024 * 1024;
let folder: string;
let port: number;
let cloud: ChildProcess | undefined;
const devices: Device[] = [];

beforeAll(async () => {
  folder = await scratch('tidemark-kill-');
  port = await freePorts(10);
});

afterAll(async () => {
  await Promise.all(devices.map((device) => device.stopSync()));
  if (cloud?.exitCode === null && cloud.signalCode === null) await stopCloudProcess('SIGTERM');
  await rm(folder, { recursive: true, force: true });
});

async function startCloudProcess(): Promise<{ api: string; ca: string }> {
  const script = join(import.meta.dirname, '..', 'support', 'cloud-process.ts');
  cloud = spawn(process.execPath, [script, inject('assembly'), join(folder, 'cloud'), String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: cloud.stdout! }), 'line');
  return JSON.parse(line as string) as { api: string; ca: string };
}

async function stopCloudProcess(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const exited = once(cloud!, 'exit');
  cloud!.kill(signal);
  await exited;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 50) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error(`not within 60 s: ${what}`);
}

test('a cloud killed in the middle of an upload, and started again, ends with identical folders', async () => {
  const service = await startCloudProcess();
  for (const name of ['laptop', 'desktop']) {
    const device = new Device(name, join(folder, name), join(folder, 'config', name));
    devices.push(device);
    await mkdir(device.folder, { recursive: true });
    await device.signIn({
      url: service.api,
      ca: service.ca,
      username: 'demo@tidemark.example',
      password: 'Correct-horse-1',
    });
    device.startSync((reason) => expect.fail(reason));
  }
  const [laptop, desktop] = devices as [Device, Device];
  await writeFile(join(laptop.folder, 'first.txt'), 'before the crash\n');
  await until('the first file arrives', async () => (await readdir(desktop.folder)).includes('first.txt'));

  const stored = async (): Promise<number> => (await storedBlocks(join(folder, 'cloud'))).length;
  const before = await stored();
  await writeFile(join(laptop.folder, 'big.bin'), randomBytes(160 * MIB));
  await until('some blocks of the big file are stored', async () => (await stored()) > before + 4);
  await stopCloudProcess('SIGKILL');
  expect(await readdir(desktop.folder)).not.toContain('big.bin');

  await startCloudProcess();
  await until('the big file arrives', async () => (await readdir(desktop.folder)).includes('big.bin'));
  expect(await firstDifference(laptop.folder, desktop.folder)).toBeUndefined();

  await Promise.all(devices.map((device) => device.stopSync()));
  await stopCloudProcess('SIGTERM');
  await expectOnlyWhatIsReferenced();
}, 180_000);

/** The service knows of every stored block, and garbage collection leaves exactly those that versions hold. */
async function expectOnlyWhatIsReferenced(): Promise<void> {
  const data = join(folder, 'cloud');
  const service = await startService(inject('assembly'), { data });
  try {
    const user = await service.signUp();
    const content = randomBytes(1000);
    await user.send((await user.begin('never-finished.bin', content)).answer, content);
    expect(await storedBlocks(data)).toEqual(await knownBlocks(service));
    await age(service, 73);
    await sweep(service);
    const held = await knownBlocks(service, { held: true });
    expect(await storedBlocks(data)).toEqual(held);
    expect(await knownBlocks(service)).toEqual(held);
  } finally {
    await service.stop();
  }
}
