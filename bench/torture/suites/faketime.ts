import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Suite } from '../suite.ts';

/** Where the device's clock goes, one after the other; the certificate of the local cloud is not valid before today. */
const jumps = ['+2h', '+0', '+20m', '+3d', '+0', '+1h'];
const STEP_MS = 1500;

/** A device whose clock is set ahead and back while files are saved on it. */
export const faketime: Suite = {
  name: 'faketime',
  program: 'faketime',
  async work({ here, folder, seconds, run, restart }) {
    const preload = (await run(['faketime', '-f', '+0', 'printenv', 'LD_PRELOAD'])).trim();
    const clock = join(folder, 'clock');
    await writeFile(clock, '+0');
    const library = { LD_PRELOAD: preload, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_CACHE_DURATION: '1' };
    await restart({ ...library, NO_FAKE_STAT: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' });
    const end = performance.now() + 1000 * seconds;
    let saves = 0;
    for (let step = 0; step < jumps.length || performance.now() < end; step++) {
      await writeFile(clock, jumps[step % jumps.length]!);
      await mkdir(join(here, `${step % 5}`), { recursive: true });
      for (let nth = 0; nth < 5; nth++, saves++)
        await appendFile(join(here, `${step % 5}`, `${nth}`), `save ${saves}\n`);
      await sleep(STEP_MS);
    }
    return { did: `${saves} saves, the clock between ${jumps.join(', ')}` };
  },
  async check({ restart }) {
    await restart({});
    return [];
  },
};
