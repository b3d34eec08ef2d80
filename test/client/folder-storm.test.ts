import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemCode } from '../../client/common/errors.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import { listing } from '../../local/demo/tour/folders.ts';
import { openAccount, startAll, untilEqual } from './account.ts';

/** What each device does; more with STORM_STEPS, something else with STORM_SEED. */
const steps = Number(process.env.STORM_STEPS ?? 40);
const seed = Number(process.env.STORM_SEED ?? 2170);

const step = fc.record({ save: fc.boolean(), which: fc.nat(), pause: fc.integer({ min: 5, max: 150 }) });

/** The folders that this device renames: a letter and a number, so that the other one renames those around or in them. */
const foldersOf = { desk: 'outer', lap: 'inner' } as const;

test('folders that one device renames while the other renames those in them, and both save, keep all content, and each has one name', async () => {
  const account = await openAccount();
  try {
    const [desk, lap] = [await account.device('desk'), await account.device('lap')];
    for (const outer of [0, 1, 2]) {
      for (const inner of [0, 1]) {
        const folder = join(desk.folder, `outer ${outer}`, `inner ${outer}${inner}`);
        await mkdir(folder, { recursive: true });
        for (const name of ['desk', 'lap']) await writeFile(join(folder, `${name} ${outer}${inner}`), '0');
      }
    }
    for (const device of [desk, lap]) await device.run(['sync', device.folder, '--once']);
    startAll(desk, lap);
    const [mine, yours] = await Promise.all([play(desk, 'desk', seed), play(lap, 'lap', seed + 1)]);
    await untilEqual(desk, lap);

    const paths = await listing(desk.folder);
    const folders = paths.filter((path) => path.endsWith('/'));
    expect(folders.filter((folder) => paths.filter((path) => path.startsWith(folder)).length === 1)).toEqual([]);
    const names = Map.groupBy(folders, (folder) => basename(folder).replace(/ renamed.*/, ''));
    expect([...names.values()].filter((places) => places.length > 1)).toEqual([]);
    for (const [file, content] of [...mine, ...yours]) {
      const at = paths.filter((path) => basename(path) === file);
      const found = await Promise.all(at.map((path) => readFile(join(desk.folder, path), 'utf8')));
      expect(found, `${file} at ${at.join()}`).toContain(content);
    }
  } finally {
    await account.close();
  }
});

/** Renames folders of one device and saves its files; answers what it wrote last into each file, by its name. */
async function play(device: Device, name: keyof typeof foldersOf, seed: number): Promise<Map<string, string>> {
  const written = new Map<string, string>();
  for (const [number, { save, which, pause }] of fc.sample(step, { numRuns: steps, seed }).entries()) {
    // A folder that is renamed meanwhile is not there to be listed.
    const paths = await listing(device.folder).catch(() => []);
    const pick = (of: (path: string) => boolean): string | undefined => {
      const all = paths.filter(of);
      return all[which % all.length];
    };
    try {
      const file = pick((path) => !path.endsWith('/') && basename(path).startsWith(name));
      const folder = pick((path) => path.endsWith('/') && basename(path).startsWith(foldersOf[name]));
      if (save && file) {
        await overwrite(join(device.folder, file), `${number}`);
        written.set(basename(file), `${number}`);
      } else if (!save && folder) {
        const place = join(device.folder, folder);
        await rename(place, join(dirname(place), `${basename(place).replace(/ renamed.*/, '')} renamed ${number}`));
      }
    } catch (error) {
      // The client has just renamed a folder around it.
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    await sleep(pause);
  }
  return written;
}

async function overwrite(place: string, content: string): Promise<void> {
  const file = await open(place, 'r+');
  try {
    await file.truncate();
    await file.write(content);
  } finally {
    await file.close();
  }
}
