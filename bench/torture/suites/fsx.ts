import { setTimeout as sleep } from 'node:timers/promises';
import type { Ground, Suite } from '../suite.ts';

const OPERATIONS = 2000;

/** The file system exerciser: reads, writes, truncations and mapped writes at random in one file, each verified. */
export const fsx: Suite = {
  name: 'fsx',
  program: 'fsx',
  async work(ground) {
    const end = performance.now() + 1000 * ground.seconds;
    let runs = 0;
    for (; runs === 0 || performance.now() < end; runs++) {
      await exercise(ground, runs);
      await sleep(100);
    }
    return { did: `${runs} × ${OPERATIONS} operations` };
  },
};

async function exercise(ground: Ground, seed: number): Promise<void> {
  await ground.run(['fsx', '-S', String(seed + 1), '-N', String(OPERATIONS), `file ${seed % 4}`]);
}
