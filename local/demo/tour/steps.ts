import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Device } from '../devices/device.ts';
import type { Problems } from '../problems.ts';
import { copyBigFile, copyRelease, copySources } from './corpus.ts';
import { listing } from './folders.ts';
import { measureStep, type StepResult } from './measure.ts';

export interface Tour {
  readonly laptop: Device;
  readonly desktop: Device;
  readonly startSync: (device: Device) => void;
  /** What the cloud complains about. */
  readonly problems: Problems;
}

/** The tour, in order; each step builds on the folders that the one before left. */
export async function* tourSteps({ laptop, desktop, startSync, problems }: Tour): AsyncGenerator<StepResult> {
  const devices = [laptop, desktop] as const;
  const on = (device: Device, path: string): string => join(device.folder, path);
  const step = (name: string, change: () => Promise<void>, alike?: () => Promise<boolean>): Promise<StepResult> =>
    measureStep(name, { devices, problems }, change, alike);

  yield await step('a folder of sources', () => copySources(laptop.folder));
  yield await step('a 96 MiB file', () => copyBigFile(laptop.folder));
  yield await step('a 9 MB source file', () => copyRelease(laptop.folder, 'previous'));
  yield await step('its next release', () => copyRelease(laptop.folder, 'next'));
  yield await step('a 100-byte edit in the 96 MiB file', () => overwrite(on(laptop, 'big.bin'), 50_000_000, 100));
  yield await step('100 bytes inserted near its start', () => insert(on(laptop, 'big.bin'), 5000, 100));
  yield await step('a folder renamed', () => rename(on(laptop, 'sources'), on(laptop, 'library')));
  yield await step('a file deleted', () => rm(on(laptop, 'library/core/index.js')));
  yield await step(
    'one file edited on both devices',
    async () => {
      await Promise.all(
        devices.map((device) => writeFile(on(device, 'library/index.js'), `edited on ${device.name}\n`)),
      );
    },
    async () => (await listing(desktop.folder)).some((path) => path.includes('conflicted copy')),
  );
  yield await step('an old version restored', () => restoreFirst(laptop, on(laptop, 'compiler.js')));
  await desktop.stopSync();
  yield await step('a device that was offline', async () => {
    await appendFile(on(laptop, 'library/index.cjs'), '\n// edited while the desktop was off\n');
    await writeFile(on(laptop, 'library/new.txt'), 'made while the desktop was off\n');
    await rm(on(laptop, 'library/mini/index.js'));
    startSync(desktop);
  });
}

async function overwrite(path: string, offset: number, length: number): Promise<void> {
  await pipeline([randomBytes(length)], createWriteStream(path, { flags: 'r+', start: offset }));
}

async function insert(path: string, offset: number, length: number): Promise<void> {
  const content = await readFile(path);
  await writeFile(path, Buffer.concat([content.subarray(0, offset), randomBytes(length), content.subarray(offset)]));
}

async function restoreFirst(device: Device, path: string): Promise<void> {
  await device.run(['restore', path, '--version', '1']);
}
