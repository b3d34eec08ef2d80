import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesize } from '../../local/demo/synthesize.ts';
import { type Options, readOptions, usage } from './options.ts';
import { writePage } from './page.ts';
import { rowsOf } from './results.ts';
import { warmUp } from './rows/warm-up.ts';
import { runAll } from './run.ts';
import { asMarkdown, asText, tablesOf } from './tables.ts';
import { rsync, unison } from './tools/one-shot.ts';
import { syncthing } from './tools/syncthing.ts';
import { tidemark } from './tools/tidemark.ts';
import type { Tool } from './tools/tool.ts';

export { usage } from './options.ts';

const peers: readonly { readonly tool: Tool; readonly version: readonly string[] }[] = [
  { tool: syncthing, version: ['syncthing', '--version'] },
  { tool: rsync, version: ['rsync', '--version'] },
  { tool: unison, version: ['unison', '-version'] },
];

const LASTING = '/var/tmp';

/**
 * Two real devices and a local cloud, and beside them what else keeps two folders identical: until the other folder
 * holds a change, and what that took. Prints a line as each step ends, and the tables at the end.
 */
export async function run({ words }: { words: readonly string[] }): Promise<void> {
  const options = optionsOf(words);
  if (!options) return;
  const stopped = stopOnSignals();
  // On a disk also where /tmp is memory; PostgreSQL runs as another user where this one is root.
  const folder = await mkdtemp(join(options.data ?? (existsSync(LASTING) ? LASTING : tmpdir()), 'tidemark-bench-'));
  await chmod(folder, 0o755);
  try {
    await measureAndPrint(options, folder, stopped);
  } catch (error) {
    if (!stopped.aborted) throw error;
    process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function measureAndPrint(options: Options, folder: string, stopped: AbortSignal): Promise<void> {
  const progress = (line: string) => console.error(`… ${line}`);
  progress('synthesizes the app');
  await synthesize(join(folder, 'cdk.out'), { profile: 'team' });
  const others = options.peers ? installedPeers(progress) : [];
  const tools = [tidemark(join(folder, 'cdk.out')), ...others.map(({ tool }) => tool)];
  const rows = rowsOf(await runAll({ options, tools, warmUp, folder, stopped, progress }));
  const versions = [`Node ${process.version}`, ...others.map(({ version }) => version)];
  const about = `${versions.join(', ')}; ${cpus().length} × ${cpus()[0]?.model}; medians of ${options.runs}`;
  if (options.json) console.log(JSON.stringify({ about, rows }));
  else console.log([`${about}\n`, ...tablesOf(rows).map(asText)].join('\n'));
  if (options.page) await writePage([`${about}.\n`, ...tablesOf(rows).map(asMarkdown)].join('\n'));
}

function optionsOf(words: readonly string[]): Options | undefined {
  try {
    return readOptions(words);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exitCode = 2;
    return undefined;
  }
}

/** Aborted at the first signal: what has been started is stopped then, in order. A second one ends at once. */
function stopOnSignals(): AbortSignal {
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      console.error(`\n${signal}: stops what it has started`);
      stopped.abort(new Error(signal));
    });
  }
  return stopped.signal;
}

function installedPeers(progress: (line: string) => void): { tool: Tool; version: string }[] {
  return peers.flatMap(({ tool, version: [program, ...parameters] }) => {
    const { error, stdout } = spawnSync(program!, parameters, { encoding: 'utf8' });
    if (error) progress(`${tool.name} is not installed, so it is not compared`);
    const number = stdout?.match(/\d+(\.\d+)+/)?.[0];
    return error ? [] : [{ tool, version: `${tool.name} ${number}` }];
  });
}
