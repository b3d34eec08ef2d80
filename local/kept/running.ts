import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalError } from '../errors.ts';
import { writeAtomic } from '../files.ts';
import { environmentOf, type FunctionDefinition } from '../lambda/definition.ts';

/** What another process has to know to run a function against the services of a running cloud. */
export interface RunningFunction {
  readonly definition: FunctionDefinition;
  /** All variables of its process, credentials included. */
  readonly environment: Readonly<Record<string, string>>;
}

interface Running {
  readonly functions: readonly RunningFunction[];
  /** PEM, and its file. */
  readonly ca: string;
  readonly caFile: string;
}

function place(data: string): string {
  return join(data, 'running.json');
}

/** Tells other processes of this user how to run the functions, in `<data>/running.json`. Returns how to end that. */
export async function publish(
  data: string,
  definitions: readonly FunctionDefinition[],
  endpoints: Readonly<Record<string, string>>,
  { ca, caFile }: Pick<Running, 'ca' | 'caFile'>,
): Promise<() => Promise<void>> {
  const functions = definitions.map((definition) => ({
    definition,
    environment: environmentOf(definition, endpoints, caFile),
  }));
  await writeAtomic(place(data), JSON.stringify({ functions, ca, caFile } satisfies Running));
  return () => rm(place(data), { force: true });
}

/** The cloud that runs on this data folder. Throws with what to do when none does. */
export async function readRunning(data: string): Promise<Running> {
  try {
    return JSON.parse(await readFile(place(data), 'utf8')) as Running;
  } catch {
    throw new LocalError('NotRunning', `no local cloud runs on ${data}: start one with npm start in another shell`);
  }
}
