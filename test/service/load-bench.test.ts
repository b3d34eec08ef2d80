import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { arrive } from '../../bench/load/arrivals.ts';
import { Caller, kinds } from '../../bench/load/caller.ts';
import { signUp } from './support/service.ts';

test('every kind of call that the benchmark of load makes is answered', async () => {
  const caller = await Caller.open(await signUp());
  for (const [what, call] of kinds) await expect(call(caller), what).resolves.toBeUndefined();
});

test('calls come at their rate and in their shares, however late answers are, and are late from when they were due', async () => {
  const late = { name: 'late', share: 3, call: () => setTimeout(700) };
  const quick = { name: 'quick', share: 1, call: async () => undefined };
  const taken = await arrive([late, quick], { rate: 200, seconds: 1 });
  const [ofLate, ofQuick] = [taken.get('late')!, taken.get('quick')!];
  // Each bound is five standard deviations from what is expected: 150 and 50.
  expect(ofLate.length).toBeGreaterThan(89);
  expect(ofLate.length).toBeLessThan(211);
  expect(ofQuick.length).toBeGreaterThan(15);
  expect(ofQuick.length).toBeLessThan(85);
  // Timers may be early by a millisecond each.
  for (const ms of ofLate) expect(ms).toBeGreaterThan(697);
});
