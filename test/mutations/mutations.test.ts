import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServers } from '../model/servers.ts';
import { ofCalls } from './calls.ts';
import { ofClient } from './client.ts';
import { ofCuts } from './cuts.ts';
import { ofEncounters } from './encounters.ts';
import { ofLives } from './lives.ts';
import type { Mutation, Outcome, Play } from './mutation.ts';
import { ofThePlan } from './plan.ts';
import { ofRenames } from './renames.ts';
import { ofTransfers } from './transfers.ts';

const mutations: readonly Mutation[] = [
  ...ofCalls,
  ...ofClient,
  ...ofCuts,
  ...ofTransfers,
  ...ofThePlan,
  ...ofRenames,
  ...ofLives,
  ...ofEncounters,
];

let servers: Awaited<ReturnType<typeof startServers>>;
let player: ChildProcess;

beforeAll(async () => {
  servers = await startServers();
  // It is a Vitest of its own.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
  player = fork(join(import.meta.dirname, 'player.ts'), {
    env: { ...Object.fromEntries(inherited), MODEL_SERVERS: JSON.stringify(servers.servers) },
    execArgv: [],
  });
  await once(player, 'message');
});
afterAll(async () => {
  if (player?.connected) {
    player.disconnect();
    await once(player, 'exit');
  }
  await servers?.stop();
});

async function play(request: Play): Promise<Outcome> {
  player.send(request);
  const [outcome] = await once(player, 'message');
  return outcome as Outcome;
}

/** `model/calls: moves nothing` is a test's file and its name. */
function testOf({ noticedBy }: Mutation): { testFile: string; name: string } {
  const [, testFile, name] = /^([^:]+): (.*)$/.exec(noticedBy)!;
  return { testFile: testFile!, name: name! };
}

const byName = mutations.map((mutation) => [mutation.mistake, mutation] as const);

test.each(byName)('is noticed: %s', { timeout: 300_000 }, async (_mistake, mutation) => {
  const { testFile, name } = testOf(mutation);
  const { problem, passed, failures } = await play({ change: mutation, testFile, names: [name] });
  expect({ problem, passed }).toEqual({ problem: '', passed: 0 });
  expect(failures.join('\n')).toMatch(mutation.breaks);
});

/** The suite plays the same tests without a mistake: here it shows that they pass in the player as well. */
const alsoWithout = process.env.MUTATIONS === 'all' ? mutations.map(testOf) : [];

test.each([...Map.groupBy(alsoWithout, ({ testFile }) => testFile)])(
  'passes without a mistake: %s',
  {
    timeout: 600_000,
  },
  async (testFile, tests) => {
    const names = [...new Set(tests.map(({ name }) => name))];
    const expected: Outcome = { problem: '', passed: names.length, failures: [] };
    expect(await play({ change: undefined, testFile, names })).toEqual(expected);
  },
);
