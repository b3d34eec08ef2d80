import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Pair } from '../pair.ts';
import type { Ground, Outcome, Suite } from './suite.ts';

const exec = promisify(execFile);
const BALLAST = 600;
/** What a program may say at most. */
const OUTPUT_BYTES = 64 * 1024 * 1024;

interface TortureOptions {
  readonly pair: Pair;
  /** How long each suite works. */
  readonly seconds: number;
  readonly progress?: (text: string) => void;
}

/** Runs suites one after the other, each in a folder of its own. One whose program is not there is absent. */
export async function torture(
  suites: readonly Suite[],
  { pair, seconds, progress = () => undefined }: TortureOptions,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const suite of suites) {
    const { name, program } = suite;
    if (program !== undefined && !isInstalled(program)) {
      outcomes.push({ name, outcome: 'absent', did: `${program} is not installed`, found: [] });
      continue;
    }
    progress(name);
    outcomes.push(await play(suite, pair, seconds));
  }
  return outcomes;
}

async function play({ name, work, check }: Suite, pair: Pair, seconds: number): Promise<Outcome> {
  const ground = await openGround(name, pair, seconds);
  const begin = performance.now();
  const { did, found: foundAtWork = [] } = await work(ground);
  const worked = (performance.now() - begin) / 1000;
  const equal = await pair.untilEqual();
  const found = [...foundAtWork, ...((await check?.(ground)) ?? [])];
  return { name, outcome: found.length === 0 ? 'held' : 'failed', did, found, worked, equal };
}

async function openGround(name: string, { desk, attic, folder, restart }: Pair, seconds: number): Promise<Ground> {
  const [here, there] = [join(desk.folder, name), join(attic.folder, name)];
  await mkdir(here, { recursive: true });
  const run = async ([program, ...words]: readonly string[], cwd = here): Promise<string> => {
    const { stdout } = await exec(program!, words, { cwd, maxBuffer: OUTPUT_BYTES });
    return stdout;
  };
  return { here, there, folder, seconds, run, restart: (variables) => restart(desk, variables) };
}

/** Files that rest, so that a suite that clears up after itself does not look like a deletion of half of the folder. */
export async function layBallast(pair: Pair): Promise<void> {
  const folder = join(pair.desk.folder, 'ballast');
  await mkdir(folder, { recursive: true });
  for (let nth = 0; nth < BALLAST; nth++) await writeFile(join(folder, String(nth)), `${nth}`);
  await pair.untilEqual();
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
