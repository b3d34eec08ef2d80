import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServers } from '../model/servers.ts';
import { ofCalls } from './calls.ts';
import { ofClient } from './client.ts';
import { ofEncounters } from './encounters.ts';
import type { Mutation, Outcome, Play } from './mutation.ts';

const mutations: readonly Mutation[] = [...ofCalls, ...ofClient, ...ofEncounters];

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

const byName = mutations.map((mutation) => [mutation.mistake, mutation] as const);

test.each(byName)('is noticed: %s', { timeout: 120_000 }, async (_mistake, { noticedBy, breaks, ...change }) => {
  const { problem, failures } = await play({ change, test: noticedBy });
  expect(problem).toBe('');
  expect(failures.join('\n')).toMatch(breaks);
});

const unharmed = new Set(mutations.map(({ noticedBy }) => noticedBy).filter((name) => !name.startsWith('model/enc')));

test.each([...unharmed])('passes without a mistake: %s', { timeout: 120_000 }, async (name) => {
  expect(await play({ change: undefined, test: name })).toMatchObject({ problem: '', failures: [] });
});
