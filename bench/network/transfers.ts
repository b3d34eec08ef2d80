import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Device } from '../../local/demo/devices/device.ts';
import type { Line } from '../../test/support/network/line.ts';
import type { Row } from './row.ts';
import { type Site, secondsUntilHas, secondsUntilThere } from './site.ts';

const MIB = 1024 * 1024;
/** Bytes per second. */
const MBIT = 125_000;

/** Large enough to be on its way for as long as notes are measured. */
const FILM_BYTES = 96 * MIB;
/** Files that cross slow links, and how much longer than the link alone they may take; over the slowest they arrive. */
const crossings = [
  { what: '24 MiB', bytes: 24 * MIB, over: '0.5 Mbit/s', bytesPerSecond: MBIT / 2, slack: 1.15 },
  { what: '1 MiB', bytes: MIB, over: '64 kbit/s', bytesPerSecond: 8_000 },
];
/** After so many times the link's own time it counts as never. */
const PATIENCE = 3;

interface Options {
  readonly times: number;
  readonly progress: (text: string) => void;
}

/** Notes beside a film over 8 Mbit/s, and a file of some blocks over a link that carries less than one in a minute. */
export async function measureTransfers(site: Site, { times, progress }: Options): Promise<Row[]> {
  const { network, road, desk } = site;
  const rows: Row[] = [];
  const ways = [
    { name: 'goes up', from: road, to: desk },
    { name: 'comes down', from: desk, to: road },
  ];
  for (const { name, from } of ways) {
    progress(`notes while a film ${name}`);
    await secondsUntilThere(road, desk);
    await network.fail({ bytesPerSecond: 8 * MBIT });
    const before = { ...network.line.moved };
    await film(from, FILM_BYTES);
    await untilMoved(site, before, 2 * MIB);
    const [mine, others]: [number[], number[]] = [[], []];
    for (let time = 0; time < times; time++) {
      mine.push(await secondsUntilThere(road, desk));
      others.push(await secondsUntilThere(desk, road));
    }
    rows.push({ name: `one’s own note while a film ${name} over 8 Mbit/s`, goal: 3, seconds: mine });
    rows.push({ name: `another’s note while a film ${name} over 8 Mbit/s`, goal: 3, seconds: others });
    await network.heal();
  }
  for (const { what, bytes, over, bytesPerSecond, slack } of crossings) {
    progress(`${what} over ${over}, up and down`);
    await secondsUntilThere(road, desk);
    await network.fail({ bytesPerSecond });
    const ideal = bytes / bytesPerSecond;
    const crossing = ways.map(async ({ name, from, to }): Promise<Row> => {
      const begin = performance.now();
      const path = await film(from, bytes);
      const seconds = [await secondsUntilHas(to, path, begin, PATIENCE * ideal)];
      const goal = slack && { goal: Math.round(slack * ideal) };
      return { name: `${what} that ${name} over ${over}`, seconds, ...goal };
    });
    rows.push(...(await Promise.all(crossing)));
    await network.heal();
  }
  return rows;
}

/** Waits until so many bytes more have crossed the line, one way or the other. */
async function untilMoved({ network: { line } }: Site, before: Line['moved'], bytes: number): Promise<void> {
  while (Math.max(line.moved.up - before.up, line.moved.down - before.down) < bytes) await sleep(50);
}

async function film({ folder }: Device, bytes: number): Promise<string> {
  const path = `${randomUUID()}.film`;
  await writeFile(join(folder, path), randomBytes(bytes));
  return path;
}
