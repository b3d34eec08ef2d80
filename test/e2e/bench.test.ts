import { lstat, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { sumOf } from '../../bench/sync/counters.ts';
import { filesBelow } from '../../bench/sync/files-below.ts';
import type { Measurement } from '../../bench/sync/results.ts';
import { rowsOf } from '../../bench/sync/results.ts';
import { runAll } from '../../bench/sync/run.ts';
import { asMarkdown, tablesOf } from '../../bench/sync/tables.ts';
import { tidemark } from '../../bench/sync/tools/tidemark.ts';
import type { Tool } from '../../bench/sync/tools/tool.ts';
import { scratch } from '../support/scratch.ts';

const link = { rttMs: 10, mbit: 1000 };
const said: string[] = [];

let folder: string;

beforeAll(async () => {
  folder = await scratch('tidemark-bench-');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** All is removed at the end of the whole benchmark. */
async function filesWithContent(): Promise<string[]> {
  const files = await filesBelow(folder);
  const sizes = await Promise.all(files.map(async (file) => (await lstat(file)).size));
  return files.filter((_, index) => sizes[index]! > 0);
}

/** As little as can be measured. */
function run(tool: Tool, rows: readonly string[], stopped = new AbortController().signal): Promise<Measurement[]> {
  said.length = 0;
  return runAll({
    options: { rows, links: [link], runs: 1, huge: false, divisor: 1000 },
    tools: [tool],
    warmUp: [],
    folder,
    stopped,
    progress: (line) => said.push(line),
  });
}

test('the benchmark measures two devices behind a link, and leaves no content behind', async () => {
  const measurements = await run(tidemark(inject('assembly')), ['saved']);
  expect(
    measurements.map(({ step }) => step),
    said.join('\n'),
  ).toEqual(['saved']);
  const { used, seconds, worst } = measurements[0]!.figures;
  expect(seconds).toBeGreaterThan((2 * link.rttMs) / 1000);
  expect(worst).toBeGreaterThanOrEqual(seconds);
  const counted = ['up', 'down', 'database', 'requests.devices', 'requests.functions', 'statements'];
  for (const name of [...counted, 'request.POST /save', 'request.POST @connections']) {
    expect(used[name], name).toBeGreaterThan(0);
  }
  if (process.platform === 'linux') expect(sumOf(used, 'cpu.')).toBeGreaterThan(0);
  expect(await filesWithContent()).toEqual([]);
  const tables = tablesOf(rowsOf(measurements)).map(asMarkdown).join('\n');
  const [, shown] = /\| one small file saved, median and worst of 2 \| ([\d.]+)/.exec(tables)!;
  expect(Number(shown)).toBeCloseTo(seconds, 1);
}, 180_000);

test('a tool that ends by itself costs the rest of its chapter, and a benchmark that is stopped all', async () => {
  const stop = new AbortController();
  const dying: Tool = {
    name: 'dying',
    remote: true,
    open: async () => async (ground) => {
      ground.fail(new Error('it ended by itself'));
      return { folders: [ground.folder, ground.folder], counters: async () => ({}), memory: () => ({}) };
    },
  };
  try {
    expect(await run(dying, ['small', 'saved'])).toEqual([]);
    expect(said.filter((line) => line.includes('it ended by itself'))).toHaveLength(2);
    expect(process.exitCode).toBe(1);
  } finally {
    process.exitCode = undefined;
  }
  stop.abort(new Error('enough'));
  await expect(run(dying, ['small'], stop.signal)).rejects.toThrow('enough');
  expect(await filesWithContent()).toEqual([]);
});
