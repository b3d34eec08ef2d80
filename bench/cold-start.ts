import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTable } from '../cli/table.ts';
import { type Cloud, startCloud } from '../local/cloud/cloud.ts';
import { synthesize } from '../local/demo/synthesize.ts';
import { type RunningFunction, readRunning } from '../local/kept/running.ts';
import type { FunctionDefinition } from '../local/lambda/definition.ts';
import { startInstance } from '../local/lambda/instance.ts';
import { freePorts } from '../test/support/ports.ts';
import { median } from './statistics.ts';

/** Runs of each function; the table has medians. */
const RUNS = 9;

interface Times {
  /** Milliseconds from the start of the process until the handler is loaded. */
  readonly loaded: number;
  /** The same until the answer to the first event is here. */
  readonly answered: number;
}

interface Row extends Times {
  readonly name: string;
  readonly bytes: number;
  /** Against an empty handler's first answer, in the same rounds. */
  readonly ratio: number;
}

/**
 * Cold starts of every function against an empty handler on the same Node: a new process, its bundle, and its first
 * answer, to the function's event in test/events. Functions that talk to a database or to AWS do so, on this machine.
 * All take turns, so that what else the machine does touches all alike.
 */
export async function run({ json }: { json: boolean }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-cold-'));
  let cloud: Cloud | undefined;
  try {
    const assembly = join(folder, 'cdk.out');
    await synthesize(assembly, { profile: 'team' });
    const data = join(folder, 'cloud');
    cloud = await startCloud({ assembly, data, port: await freePorts(10), log: () => {} });
    const { functions, ca } = await readRunning(data);
    const rows = await measure([await emptyFunction(folder, functions[0]!), ...functions], ca);
    if (json) console.log(JSON.stringify({ node: process.version, runs: RUNS, rows }));
    else print(rows);
  } finally {
    await cloud?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A function that does nothing, in the environment of another. */
async function emptyFunction(folder: string, like: RunningFunction): Promise<RunningFunction> {
  await writeFile(join(folder, 'index.mjs'), 'export const handler = async () => ({});');
  const definition: FunctionDefinition = { ...like.definition, name: '(empty handler)', taskRoot: folder };
  return { ...like, definition };
}

async function measure(functions: readonly RunningFunction[], ca: string): Promise<Row[]> {
  const taken = new Map<string, Times[]>(functions.map(({ definition }) => [definition.name, []]));
  for (let round = 0; round < RUNS; round++) {
    for (const fn of functions) taken.get(fn.definition.name)?.push(await coldStart(fn, ca));
  }
  const medians = functions.map(async ({ definition: { name, taskRoot } }) => {
    const times = taken.get(name) ?? [];
    const { size } = await stat(join(taskRoot, 'index.mjs'));
    return {
      name,
      bytes: size,
      loaded: median(times.map(({ loaded }) => loaded)),
      answered: median(times.map(({ answered }) => answered)),
    };
  });
  const [empty, ...rest] = await Promise.all(medians);
  const rows = [empty!, ...rest.sort((a, b) => a.answered - b.answered)];
  return rows.map((row) => ({ ...row, ratio: row.answered / empty!.answered }));
}

async function coldStart({ definition, environment }: RunningFunction, ca: string): Promise<Times> {
  const payload = await eventOf(definition.name);
  const started = performance.now();
  const instance = await startInstance(definition, environment, ca, () => {});
  const loaded = performance.now() - started;
  const invocation = { requestId: randomUUID(), functionArn: definition.name, traceId: '', payload };
  await instance.run(invocation);
  const answered = performance.now() - started;
  await instance.stop();
  return { loaded, answered };
}

/** The event of a function's folder; an empty one for the empty handler. */
async function eventOf(name: string): Promise<string> {
  const folder = name
    .replace(/^Key[A-Z](?=[A-Z])/, '')
    .replace(/(?<=[a-z])[A-Z]/g, '-$&')
    .toLowerCase();
  return await readFile(join(import.meta.dirname, '../test/events', `${folder}.json`), 'utf8').catch(() => '{}');
}

function print(rows: readonly Row[]): void {
  const header = ['function', 'bundle KB', 'loaded ms', 'first answer ms', 'times the empty one'];
  const cells = rows.map(({ name, bytes, loaded, answered, ratio }) => [
    name,
    (bytes / 1000).toFixed(0),
    loaded.toFixed(0),
    answered.toFixed(0),
    ratio.toFixed(2),
  ]);
  console.log(`Cold starts on Node ${process.version}, medians of ${RUNS} processes each\n`);
  console.log(formatTable([header, ...cells], [0]));
}
