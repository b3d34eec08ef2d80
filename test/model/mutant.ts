/*
 * Plays encounters against a service with one mistake in it: `mutant.ts '<JSON of Task>'`. Prints JSON of Outcome. A process
 * of its own, so that the mistake is in every module that is loaded and nowhere else.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import type { Mutation } from './mutations.ts';
import type { ServerAddress } from './servers.ts';

export interface Task {
  readonly servers: readonly ServerAddress[];
  readonly database: string;
  readonly mutation: Pick<Mutation, 'file' | 'replace' | 'by' | 'encounter'>;
}

export interface Outcome {
  /** The first line of how the mistake was noticed; empty when it was not. */
  readonly failure: string;
}

const { servers, database, mutation } = JSON.parse(process.argv[2]!) as Task;
const file = new URL(`../../${mutation.file}`, import.meta.url).href;
const source = readFileSync(new URL(file), 'utf8');
if (source.split(mutation.replace).length !== 2) {
  throw new Error(`${mutation.file} does not have «${mutation.replace}» once: bring the mutation up to date`);
}
registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    return url === file ? { ...loaded, source: source.replace(mutation.replace, () => mutation.by) } : loaded;
  },
});

process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
const { World } = await import('./world.ts');
const { explore } = await import('./encounters.ts');

const world = await World.create(servers, database);
const failure = await explore(world, mutation.encounter).then(
  () => '',
  (error: unknown) => (error as Error).message.split('\n')[0]!,
);
const outcome: Outcome = { failure };
console.log(JSON.stringify(outcome));
await world.store.stop();
// An actor that was cut off waits for a lock for ever, and its connection with it.
process.exit();
