import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Device } from '../../local/devices/device.ts';
import { firstDifference } from '../../local/tour/folders.ts';
import { freePorts } from '../support/ports.ts';

const MIB = 1024 * 1024;
let folder: string;
let port: number;
let cloud: ChildProcess | undefined;
const devices: Device[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-kill-'));
  port = await freePorts(10);
});

afterAll(async () => {
  await Promise.all(devices.map((device) => device.stopSync()));
  cloud?.kill('SIGTERM');
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

async function storedBlocks(): Promise<number> {
  const names = await readdir(join(folder, 'cloud', 's3'), { recursive: true }).catch(() => []);
  return names.length;
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
    await device.signIn({ url: service.api, ca: service.ca, username: 'demo', password: 'Correct-horse-1' });
    device.startSync((reason) => expect.fail(reason));
  }
  const [laptop, desktop] = devices as [Device, Device];
  await writeFile(join(laptop.folder, 'first.txt'), 'before the crash\n');
  await until('the first file arrives', async () => (await readdir(desktop.folder)).includes('first.txt'));

  const before = await storedBlocks();
  await writeFile(join(laptop.folder, 'big.bin'), randomBytes(160 * MIB));
  await until('some blocks of the big file are stored', async () => (await storedBlocks()) > before + 4);
  cloud!.kill('SIGKILL');
  await once(cloud!, 'exit');
  expect(await readdir(desktop.folder)).not.toContain('big.bin');

  await startCloudProcess();
  await until('the big file arrives', async () => (await readdir(desktop.folder)).includes('big.bin'));
  expect(await firstDifference(laptop.folder, desktop.folder)).toBeUndefined();
}, 180_000);
