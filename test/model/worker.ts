/* Plays scenarios in a process of its own: `worker.ts '<JSON of Task>'`. Prints JSON of Outcome. */
import fc from 'fast-check';
import type { ServerAddress } from './servers.ts';

export interface Task {
  readonly servers: readonly ServerAddress[];
  readonly database: string;
  readonly runs: number;
  readonly seed: number;
  /** From a failure's report: plays that one scenario only. */
  readonly path?: string;
}

const task = JSON.parse(process.argv[2]!) as Task;
process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
const { World } = await import('./world.ts');
const { play } = await import('./run.ts');
const { scenario } = await import('./scenario.ts');

const t0 = performance.now();
const world = await World.create(task.servers, task.database);
let played = 0;
console.error('setup', performance.now() - t0);
const t1 = performance.now();
const result = await fc.check(
  fc.asyncProperty(scenario, async (each) => {
    if (++played % 50 === 0) await world.vacuum();
    await play(world, each);
  }),
  { numRuns: task.runs, seed: task.seed, ...(task.path !== undefined && { path: task.path }) },
);
console.error('play ms/run', (performance.now() - t1) / played, process.cpuUsage());
await world.close();
console.log(
  result.failed
    ? `seed ${result.seed}, path ${result.counterexamplePath}: ${JSON.stringify(result.counterexample)}\n${(result.errorInstance as Error).message}`
    : `${result.numRuns} runs`,
);
process.exit(result.failed ? 1 : 0);
