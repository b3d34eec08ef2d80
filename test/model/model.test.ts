import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { play } from './run.ts';
import { scenario } from './scenario.ts';
import { World } from './world.ts';

/**
 * MODEL_RUNS asks for more interleavings, as each night's run does; MODEL_SEED and MODEL_PATH (a failure's report names
 * them) for the same again.
 */
const { MODEL_RUNS = '150', MODEL_SEED = '1', MODEL_PATH } = process.env;

let world: World;

beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.close());

test('whatever interleaves, crashes or comes twice, no version loses a block and nothing unused stays', {
  timeout: 300_000 + 2_000 * Number(MODEL_RUNS),
}, async () => {
  let played = 0;
  const property = fc.asyncProperty(scenario, async (each) => {
    if (++played % 50 === 0) await world.vacuum();
    await play(world, each);
  });
  await fc.assert(property, {
    numRuns: Number(MODEL_RUNS),
    seed: Number(MODEL_SEED),
    ...(MODEL_PATH !== undefined && { path: MODEL_PATH }),
  });
  expect(played).toBeGreaterThan(0);
});
