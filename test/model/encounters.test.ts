import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EncounterName, encounters } from './encounters.ts';
import { explore } from './meeting.ts';
import { World } from './world.ts';

let world: World;
let played = 0;

beforeAll(async () => {
  world = await World.open();
});
afterAll(async () => {
  console.info(`${played} interleavings of ${Object.keys(encounters).length} encounters`);
  await world?.close();
});

test.each(Object.keys(encounters) as EncounterName[])('%s, at every step', { timeout: 300_000 }, async (name) => {
  const interleavings = await explore(world, name);
  expect(interleavings).toBeGreaterThan(10);
  played += interleavings;
});
