import { expect, test } from 'vitest';
import { CallBytes } from '../../client/common/call-bytes.ts';

const KIB = 1024;

/** A line of so many bytes a second, with an answer after so many milliseconds more. */
async function after(calls: number, bytesPerSecond: number, delay: number, share = 1): Promise<number> {
  let now = 0;
  const bytes = new CallBytes(() => now);
  for (let call = 0; call < calls; call++) {
    const sent = share * bytes.most;
    await bytes.measured(sent, async () => {
      now += delay + (1000 * sent) / bytesPerSecond;
    });
  }
  return bytes.most;
}

test('a call carries what takes some two seconds, 32 KiB at least and 3.5 MiB at most', async () => {
  expect(await after(0, 1, 0)).toBe(64 * KIB);
  expect(await after(1, 1e9, 40), 'no more than four times as much').toBe(256 * KIB);
  expect(await after(5, 1e9, 40)).toBe(3584 * KIB);
  expect(await after(5, 8000, 40)).toBe(32 * KIB);
  const middling = await after(5, 100_000, 100);
  expect(middling).toBeGreaterThan(150_000);
  expect(middling).toBeLessThan(220_000);
});

test('a call that carries little says nothing, unless it is slow', async () => {
  expect(await after(5, 1e9, 500, 0.01)).toBe(64 * KIB);
  expect(await after(1, 1e9, 3000, 0.01)).toBe(32 * KIB);
  expect(await after(5, 1e9, 3000, 0)).toBe(64 * KIB);
});

test('of a call whose answer may carry less than was asked for, what came counts', async () => {
  const bytes = new CallBytes(() => 0);
  await bytes.measured(
    bytes.most,
    async () => 100,
    (came) => came,
  );
  expect(bytes.most).toBe(64 * KIB);
  await bytes.measured(
    bytes.most,
    async () => bytes.most,
    (came) => came,
  );
  expect(bytes.most).toBe(256 * KIB);
});
