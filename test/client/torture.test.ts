import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitForEqual } from '../../bench/pair.ts';
import { git } from '../../bench/torture/suites/git.ts';
import { sqlite } from '../../bench/torture/suites/sqlite.ts';
import { torture } from '../../bench/torture/torture.ts';
import { type Account, openAccount, startAll } from './account.ts';

/* The smallest turn of `npm run torture`, with programs that are everywhere. */

let account: Account;
beforeAll(async () => {
  account = await openAccount();
});
afterAll(() => account.close());

test('a repository of git and a database of SQLite that are at work are whole on another device', async () => {
  const [desk, attic] = await Promise.all([account.device('desk'), account.device('attic')]);
  startAll(desk, attic);
  const pair = {
    desk,
    attic,
    folder: '',
    untilEqual: () => waitForEqual(desk, attic),
    restart: () => expect.fail('no suite here restarts'),
  };
  const outcomes = await torture([git, sqlite, { name: 'none', program: 'no such program', work: git.work }], {
    pair,
    seconds: 0.1,
  });
  expect(outcomes.map(({ name, outcome, found }) => ({ name, outcome, found }))).toEqual([
    { name: 'git', outcome: 'held', found: [] },
    { name: 'SQLite', outcome: 'held', found: [] },
    { name: 'none', outcome: 'absent', found: [] },
  ]);
});
