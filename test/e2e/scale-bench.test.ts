import { expect, inject, test } from 'vitest';
import { measureAll, type Row } from '../../bench/scale/rows.ts';
import { onGround } from '../../bench/sync/tools/ground.ts';
import { scratch } from '../support/scratch.ts';

test('the benchmark of large accounts measures each of its rows, and a start asks for no more than it has to', async () => {
  const rows: Row[] = [];
  await onGround({ folder: await scratch('tidemark-bench-') }, async (ground) => {
    for await (const row of measureAll(
      inject('assembly'),
      { files: 30, perFolder: 10 },
      { ground, progress: () => undefined },
    ))
      rows.push(row);
  });
  expect(rows).toHaveLength(6);
  for (const { what, seconds, peak, state } of rows) {
    expect(seconds, what).toBeGreaterThan(0);
    expect(state, what).toBeGreaterThan(0);
    if (process.platform === 'linux') expect(peak, what).toBeGreaterThan(0);
  }
  const [first, start, changed] = rows.map(({ calls }) => calls);
  expect([first! > 1, start! < 8, changed! < 4], `${first}, ${start}, ${changed}`).toEqual([true, true, true]);
}, 180_000);
