import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { formatTable } from '../../cli/table.ts';
import { synthesize } from '../../local/demo/synthesize.ts';
import { scratch } from '../../test/support/scratch.ts';
import { numberOption } from '../number-option.ts';
import { quantile } from '../statistics.ts';
import { measureGoals } from './goals.ts';
import { measureRecoveries } from './recoveries.ts';
import type { Row } from './row.ts';
import { openSite } from './site.ts';
import { measureTransfers } from './transfers.ts';

/** Times that each fault strikes, and how long it lasts. */
const TIMES = 3;
const LASTS_MS = 20_000;

export const usage = `usage: npm run bench -- network [--times N] [--lasts SECONDS] [--json]

  --times N         how often each fault strikes (default: ${TIMES})
  --lasts SECONDS   how long it lasts (default: ${LASTS_MS / 1000})`;

/**
 * How long two devices need to be equal again once a network that was bad is well, for each kind of fault, and the goals
 * of a device on the road.
 */
export async function run({ json, words }: { json: boolean; words: readonly string[] }): Promise<void> {
  const times = numberOption(words, '--times', TIMES);
  const lastsMs = 1000 * numberOption(words, '--lasts', LASTS_MS / 1000);
  const progress = (text: string): void => console.error(`… ${text}`);
  const folder = await scratch('tidemark-bench-');
  try {
    progress('synthesizes the app');
    await synthesize(join(folder, 'cdk.out'), { profile: 'team' });
    const site = await openSite(folder);
    try {
      const recoveries = await measureRecoveries(site, { times, lastsMs, progress });
      const goals = await measureGoals(site, { times, progress });
      goals.push(...(await measureTransfers(site, { times, progress })));
      if (json) console.log(JSON.stringify({ times, lastsMs, recoveries, goals }));
      else print({ times, lastsMs, recoveries, goals });
    } finally {
      await site.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Figures {
  readonly times: number;
  readonly lastsMs: number;
  readonly recoveries: readonly Row[];
  readonly goals: readonly Row[];
}

function print({ times, lastsMs, recoveries, goals }: Figures): void {
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}; each ${times} times\n`);
  console.log(`Seconds until both devices are equal, after a fault of ${lastsMs / 1000} s\n`);
  console.log(tableOf(recoveries));
  console.log('\nGoals of a device on the road, in seconds\n');
  console.log(tableOf(goals));
}

function tableOf(rows: readonly Row[]): string {
  const cell = (seconds: number): string => seconds.toFixed(1);
  const header = ['', 'min', 'median', 'max', 'goal'];
  const lines = rows.map(({ name, seconds, goal }) => [
    name,
    ...[0, 0.5, 1].map((fraction) => cell(quantile(seconds, fraction))),
    goal === undefined ? '' : `≤ ${goal}`,
  ]);
  return formatTable([header, ...lines], [0]);
}
