import { afterEach, beforeEach, expect, test } from 'vitest';
import { Signals } from '../../client/engine/signals.ts';
import { State } from '../../client/state/state.ts';
import { Notices } from '../../client/steps/notices.ts';
import { until } from './account.ts';
import { temporaryFolder } from './folder.ts';

const LONG_MS = 600_000;
let end: AbortController;
let state: State;
let notices: Notices;
let signals: Signals;

beforeEach(async () => {
  end = new AbortController();
  state = new State(await temporaryFolder());
  notices = new Notices(state);
  notices.takeBehind();
  signals = new Signals(notices, end.signal);
});
afterEach(() => {
  signals.close();
  state.close();
});

test('changes of the disk that come close together interrupt the rest once, with all their paths', async () => {
  for (const path of ['a', 'docs/b', 'a']) signals.changed(path);
  expect([signals.isCollecting, notices.unseen.size]).toEqual([true, 0]);
  await signals.wait(LONG_MS);
  expect([...notices.unseen]).toEqual(['a', 'docs/b']);
  expect(signals.isCollecting).toBe(false);
  expect(notices.noticedAt('docs/b')).toEqual({ noticed_at: expect.any(Number) });
});

test('changes that never stop are not waited for', async () => {
  const writing = setInterval(() => signals.changed('log'), 10);
  try {
    await signals.wait(LONG_MS);
  } finally {
    clearInterval(writing);
  }
  expect([...notices.unseen]).toEqual(['log']);
});

test('what the client itself writes is no change', async () => {
  const id = '00000000-0000-4000-8000-000000000000';
  for (const path of ['.tidemark', '.tidemark/state.db', `docs/.tidemark-tmp-${id}-${id}`]) signals.changed(path);
  expect(signals.isCollecting).toBe(false);
  signals.changed('.tidemarkignore');
  expect(signals.isCollecting).toBe(true);
});

test('a signal before the rest ends it at once, and counts once', async () => {
  signals.behind();
  await signals.wait(LONG_MS);
  expect(notices.behind).toBe(true);
  let ended = false;
  const second = signals.wait(LONG_MS).then(() => {
    ended = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(ended).toBe(false);
  signals.wake();
  await second;
});

test('the end of the sync ends the rest, and every later one', async () => {
  const rest = signals.wait(LONG_MS);
  end.abort();
  await rest;
  await signals.wait(LONG_MS);
});

test('a path is looked at again after a while, unless the sync ended', async () => {
  signals.later('busy', 5);
  await signals.wait(LONG_MS);
  expect([...notices.takeUnseen()]).toEqual(['busy']);
  signals.later('gone', 5);
  signals.close();
  let passed = false;
  setTimeout(() => {
    passed = true;
  }, 30);
  await until('the time has passed', () => passed);
  expect(notices.unseen.size).toBe(0);
});
