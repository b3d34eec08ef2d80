import { rm } from 'node:fs/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { measureAll, type Row } from '../../bench/scale/rows.ts';
import { scratch } from '../support/scratch.ts';

test('the benchmark of large accounts measures each of its rows, and a start asks for no more than it has to', async () => {
  const undo = new AsyncDisposableStack();
  onTestFinished(() => undo.disposeAsync());
  const ended = new AbortController();
  const fail = (reason: Error): void => ended.abort(reason);
  const folder = await scratch('tidemark-bench-');
  undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const ground = { folder, link: undefined, undo, signal: ended.signal, fail };
  const rows: Row[] = [];
  for await (const row of measureAll(inject('assembly'), 30, { ground, progress: () => undefined })) rows.push(row);
  expect(rows).toHaveLength(6);
  for (const { what, seconds, peak, state } of rows) {
    expect(seconds, what).toBeGreaterThan(0);
    expect(state, what).toBeGreaterThan(0);
    if (process.platform === 'linux') expect(peak, what).toBeGreaterThan(0);
  }
  const [first, start, changed] = rows.map(({ calls }) => calls);
  expect([first! > 1, start! < 8, changed! < 4], `${first}, ${start}, ${changed}`).toEqual([true, true, true]);
}, 180_000);
