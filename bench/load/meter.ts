import { setTimeout } from 'node:timers/promises';
import { type Counters, used } from '../sync/counters.ts';
import { Processes } from '../sync/processes.ts';
import { cloudCpu } from '../sync/tools/cloud-cpu.ts';
import type { CloudProcess } from '../sync/tools/local-cloud.ts';

/** What follows a call, the push of a commit for one, has been done after so many milliseconds. */
const SETTLED_MS = 2_000;

export interface Metered<Result> {
  readonly result: Result;
  /** What the service used meanwhile, and for what followed. */
  readonly used: Counters;
}

/** Does something, and reads what the service has used before and after it. */
export async function meter<Result>(cloud: CloudProcess, work: () => Promise<Result>): Promise<Metered<Result>> {
  await setTimeout(SETTLED_MS);
  const before = await countersOf(cloud);
  const result = await work();
  await setTimeout(SETTLED_MS);
  return { result, used: used(before, await countersOf(cloud)) };
}

async function countersOf(cloud: CloudProcess): Promise<Counters> {
  const cpu = cloudCpu(new Processes(), cloud.pid);
  const reply = await cloud.ask({ ask: 'counters' });
  return { ...(reply.reply === 'counters' && reply.counters), ...cpu };
}
