import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { measure } from './measure.ts';
import type { Options } from './options.ts';
import { type Measurement, nameOf } from './results.ts';
import type { Chapter, Place, Step } from './rows/chapter.ts';
import { chapters, isInstalled, sizesOf } from './rows/chapters.ts';
import { onGround } from './tools/ground.ts';
import { setAside } from './tools/set-aside.ts';
import type { Ground, Session, Tool } from './tools/tool.ts';

/** What one run goes by. */
interface Run {
  readonly options: Pick<Options, 'rows' | 'links' | 'runs' | 'huge' | 'divisor'>;
  readonly tools: readonly Tool[];
  /** What comes before each chapter, unmeasured. */
  readonly warmUp: readonly Step[];
  /** An empty folder on a disk. */
  readonly folder: string;
  /** Aborted when all of it is to end before its time. */
  readonly stopped: AbortSignal;
  progress(line: string): void;
}

/** A tool at work. */
interface Turn {
  readonly tool: Tool;
  readonly link: Measurement['link'];
  readonly label: string;
  readonly run: Run;
}

/**
 * Measures every chapter with every tool, one at a time, on every link.
 * @returns what was measured; a chapter that fails is left out from where it failed, which `progress` says
 * @throws the reason of `stopped` once that is aborted
 */
export async function runAll(run: Run): Promise<Measurement[]> {
  const { options, tools } = run;
  const measurements: Measurement[] = [];
  for (const link of options.links) {
    for (let number = 1; number <= options.runs; number++) {
      for (const tool of tools.filter(({ remote }) => remote || !link)) {
        const label = `${nameOf(link)}, run ${number} of ${options.runs}, ${tool.name}`;
        const turn = { tool, link, label, run };
        await within(turn, run.stopped, (ground) => runTool(turn, ground, measurements));
      }
    }
  }
  return measurements;
}

async function runTool(turn: Turn, ground: Ground, measurements: Measurement[]): Promise<void> {
  const { tool, label, run } = turn;
  const start = await tool.open(ground);
  for (const chapter of chapters.filter(({ id }) => run.options.rows.includes(id))) {
    if (!isInstalled(chapter)) {
      run.progress(`${label}: ${chapter.id} is left out, it needs ${chapter.needs}`);
      continue;
    }
    await within(turn, ground.signal, async (own) => {
      for await (const measurement of runChapter(turn, await start(own), chapter, own)) measurements.push(measurement);
    });
  }
}

async function* runChapter(
  { tool, link, label, run }: Turn,
  session: Session,
  chapter: Chapter,
  { folder, signal }: Ground,
): AsyncGenerator<Measurement> {
  const sizes = sizesOf(link, run.options);
  const place: Place = { folder: session.folders[0], staging: join(folder, 'staging'), sizes };
  await mkdir(place.staging);
  // What is started for each change has nothing to warm up.
  for (const step of [...(session.sync ? [] : run.warmUp), ...chapter.steps]) {
    const figures = await measure(step, session, place, signal);
    if (step.ground) continue;
    const what = step.what(sizes);
    run.progress(`${label}: ${what}: ${figures.seconds.toFixed(2)} s`);
    yield { link, tool: tool.name, table: chapter.table, step: step.id, what, figures };
  }
}

/** Does something on a ground of its own, stops what it started, and says of a failure what it was. */
async function within(
  { link, label, run }: Turn,
  outer: AbortSignal,
  work: (ground: Ground) => Promise<void>,
): Promise<void> {
  outer.throwIfAborted();
  try {
    // Short, since PostgreSQL's socket has to be below it; open to the user that this runs as.
    const folder = await mkdtemp(join(run.folder, '-'));
    await chmod(folder, 0o755);
    await onGround({ folder, link, outer, leave: setAside }, work);
  } catch (error) {
    outer.throwIfAborted();
    process.exitCode = 1;
    run.progress(`${label} FAILED: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  }
}
