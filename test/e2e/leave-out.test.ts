import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leaveOut } from './simulation/leave-out.ts';
import { type Scenario, scenario } from './simulation/scenario.ts';

test('of a life what its failure does not need is left out', async () => {
  const tried: number[] = [];
  const left = await leaveOut([...Array(16).keys()], async (fewer) => {
    tried.push(fewer.length);
    return [3, 9, 10].every((needed) => fewer.includes(needed));
  });
  expect(left).toEqual([3, 9, 10]);
  expect(tried.length).toBeLessThan(40);
});

test('all of a life stays when nothing else fails', async () => {
  expect(await leaveOut([1, 2, 3], async () => false)).toEqual([1, 2, 3]);
});

test('lives have faults of the network and of the disk, edits in between, and stops', () => {
  const runs = fc
    .sample(scenario, { numRuns: 25, seed: 1 })
    .flatMap(({ steps }: Scenario) => steps.flatMap((step) => (step.do === 'sync' ? step.runs : [])));
  const shareOf = (kind: 'network' | 'disk' | 'meanwhile' | 'stopMs'): number =>
    runs.filter((run) => run[kind] !== undefined).length / runs.length;
  for (const kind of ['network', 'disk', 'meanwhile', 'stopMs'] as const) expect(shareOf(kind)).toBeGreaterThan(0.2);
  expect(runs.some(({ disk }) => disk?.call === 'write' && disk.error === 'short')).toBe(true);
});
