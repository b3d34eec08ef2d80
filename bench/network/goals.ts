import { setTimeout as sleep } from 'node:timers/promises';
import { describeRow, type Row } from './row.ts';
import { type Site, secondsUntilThere } from './site.ts';

interface Options {
  readonly times: number;
  readonly progress: (text: string) => void;
}

interface Goal {
  readonly name: string;
  /** Seconds, at most. */
  readonly goal: number;
  readonly measure: (site: Site) => Promise<number>;
}

/** A device that nothing happened on for longer asks its connection less often. */
const REST_MS = 75_000;

/** The goals of a device on the road whose network is another one from one moment to the next. */
const goals: readonly Goal[] = [
  {
    name: 'another’s change, all connections dead without a word, while somebody is active',
    goal: 15,
    measure: async ({ network, road, desk }) => {
      await secondsUntilThere(desk, road);
      network.change();
      return secondsUntilThere(desk, road);
    },
  },
  {
    name: 'the same, at rest',
    goal: 60,
    measure: async ({ network, road, desk }) => {
      await secondsUntilThere(desk, road);
      await sleep(REST_MS);
      network.change();
      return secondsUntilThere(desk, road);
    },
  },
  {
    name: 'one’s own change over such connections',
    goal: 15,
    measure: async ({ network, road, desk }) => {
      await secondsUntilThere(road, desk);
      network.change();
      return secondsUntilThere(road, desk);
    },
  },
];

export async function measureGoals(site: Site, { times, progress }: Options): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, goal, measure } of goals) {
    const seconds: number[] = [];
    for (let time = 0; time < times; time++) seconds.push(await measure(site));
    rows.push({ name, goal, seconds });
    progress(describeRow({ name, seconds }));
  }
  return rows;
}
