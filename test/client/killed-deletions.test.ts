import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { State } from '../../client/state/state.ts';
import { temporaryFolder } from './folder.ts';

const KILLS = 6;

test('a client that is killed while it deletes agrees on nothing that is still there', {
  timeout: 120_000,
}, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const folder = await temporaryFolder();
    const child = fork(fileURLToPath(new URL('./killed-deletions.ts', import.meta.url)), [folder], { execArgv: [] });
    const [paths] = (await once(child, 'message')) as [string[]];
    const ended = once(child, 'exit');
    // In any of its steps, with luck in another each time.
    await sleep(Math.random() * 100);
    child.kill('SIGKILL');
    await ended;
    const state = new State(folder);
    const { local, synced } = state.trees;
    const forgotten = paths.filter((path) => !synced.has(path));
    expect(
      forgotten.filter((path) => existsSync(join(folder, path))),
      'I15: would come back',
    ).toEqual([]);
    expect([...local.keys()].sort()).toEqual([...synced.keys()].sort());
    state.close();
  }
});
