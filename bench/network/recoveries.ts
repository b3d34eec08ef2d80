import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cases } from '../../test/support/network/cases.ts';
import { describeRow, type Row } from './row.ts';
import { type Site, secondsUntilHas, secondsUntilThere } from './site.ts';

interface Options {
  readonly times: number;
  readonly lastsMs: number;
  readonly progress: (text: string) => void;
}

/** For each fault: an edit on both sides while it lasts, and how long after its end both devices have both. */
export async function measureRecoveries(site: Site, { times, lastsMs, progress }: Options): Promise<Row[]> {
  const { network, road, desk } = site;
  const rows: Row[] = [];
  for (const { name, strike } of cases) {
    const seconds: number[] = [];
    for (let time = 0; time < times; time++) {
      await Promise.all([secondsUntilThere(road, desk), secondsUntilThere(desk, road)]);
      await strike(network);
      const [up, down] = [randomUUID(), randomUUID()];
      await writeFile(join(road.folder, up), up);
      await writeFile(join(desk.folder, down), down);
      await sleep(lastsMs);
      await network.heal();
      const begin = performance.now();
      const both = [secondsUntilHas(desk, up, begin), secondsUntilHas(road, down, begin)];
      seconds.push(Math.max(...(await Promise.all(both))));
    }
    rows.push({ name, seconds });
    progress(describeRow({ name, seconds }));
  }
  return rows;
}
