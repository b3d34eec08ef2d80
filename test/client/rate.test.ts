import { expect, test } from 'vitest';
import { Rate } from '../../client/output/rate.ts';

test('a rate is that of the last ten seconds, however often what moved is noted', () => {
  const rate = new Rate();
  expect(rate.perSecond).toBeUndefined();
  // 1 kB/s for a minute, then 5 kB/s, noted each millisecond.
  for (let now = 0; now <= 60_000; now++) rate.note(now, now);
  expect(rate.perSecond).toBeCloseTo(1000, -1);
  for (let now = 60_000; now <= 80_000; now++) rate.note(60_000 + 5 * (now - 60_000), now);
  expect(rate.perSecond).toBeCloseTo(5000, -1);
});
