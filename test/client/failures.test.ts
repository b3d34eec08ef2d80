import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ClientError, FileRefused, LocalTrouble } from '../../client/common/errors.ts';
import { DiskChanged } from '../../client/disk/stamps.ts';
import { ServiceError, Unreachable } from '../../client/service/errors.ts';
import { State } from '../../client/state/state.ts';
import { classify } from '../../client/steps/classify.ts';
import { Failures } from '../../client/steps/failures.ts';
import { Notices } from '../../client/steps/notices.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { temporaryFolder } from './folder.ts';

/* By a clock that the test moves, on a real state. */

let now: number;
let state: State;
let notices: Notices;
let failures: Failures;
let shown: SyncEvent[];

beforeEach(async () => {
  now = 7_000_000;
  shown = [];
  state = new State(await temporaryFolder());
  onTestFinished(() => state.close());
  notices = new Notices(state);
  notices.takeBehind();
  const report = (event: SyncEvent): number => shown.push(event);
  failures = new Failures({ state, notices, report, onAgreed: (path) => notices.agreed(path), now: () => now });
});

const disk = (code: string): Error => Object.assign(new Error(`${code}: open '/x/a'`), { code });

describe('an error of a step', () => {
  test.each([
    ['a disk that changed', new DiskChanged('/x/a changed'), 'look-again', 'disk_changed'],
    ['a file that is gone', disk('ENOENT'), 'look-again', 'disk_changed'],
    ['a disk that refuses', disk('EACCES'), 'look-again', 'local'],
    ['content that cannot be had', new FileRefused('unavailable', 'lost'), 'path', 'unavailable'],
    ['a path that cannot lie here', new ClientError('unsafe_path', 'refused'), 'path', 'local'],
    ['a refusal of the service', new ServiceError('quota_exceeded', 403, 'full'), 'path', 'quota_exceeded'],
    ['a call that the service breaks at', new ServiceError('internal', 500, 'broken'), 'path', 'internal'],
  ])('of %s concerns its paths', (_what, error, concerns, code) => {
    expect(classify(error)).toMatchObject({ concerns, code });
  });

  test.each([
    ['a service that is away', new Unreachable('no answer')],
    ['a device that was revoked', new ServiceError('device_revoked', 403, 'revoked')],
    ['a sign-in that ended', new ServiceError('unauthorized', 401, 'expired')],
    ['a state that cannot be written', new LocalTrouble('the disk is full')],
    ['a mistake in the program', new TypeError('undefined is not a function')],
  ])('of %s concerns the whole sync', async (_what, error) => {
    expect(classify(error)).toEqual({ concerns: 'sync' });
    await expect(failures.attempt(['a'], () => Promise.reject(error))).rejects.toBe(error);
    expect([failures.paths, state.problems(), [...notices.dirty]]).toEqual([[], [], []]);
  });
});

describe('a path that failed', () => {
  test('at a store is due once that is back; what failed for another reason goes on waiting', () => {
    failures.fail('a', 'unavailable', 'the block store does not answer');
    failures.fail('b', 'store_refused', 'the block store refused the upload (403)');
    failures.fail('c', 'quota_exceeded', 'full');
    expect(['a', 'b', 'c'].map((path) => failures.mayTry(path))).toEqual([false, false, false]);
    failures.retryNow('unavailable', 'store_refused');
    expect(['a', 'b', 'c'].map((path) => failures.mayTry(path))).toEqual([true, true, false]);
    expect(failures.untilRetry()).toBe(0);
  });

  test('waits twice as long each time, one minute at most, and goes along with others after half of that', () => {
    const waits: number[] = [];
    for (let count = 1; count <= 9; count++) {
      failures.fail('a', 'local', 'no');
      const wait = failures.untilRetry();
      waits.push(wait);
      now += wait / 2 - 0.01;
      expect(failures.mayTry('a')).toBe(false);
      now += 0.02;
      expect(failures.mayTry('a')).toBe(true);
      expect(failures.untilRetry()).toBeCloseTo(wait / 2, 0);
      now += wait;
      expect(failures.untilRetry()).toBe(0);
    }
    const [first] = waits;
    expect(first).toBeGreaterThanOrEqual(500);
    expect(first).toBeLessThanOrEqual(1000);
    for (const [index, wait] of waits.entries()) expect(wait / first!).toBeCloseTo(Math.min(60, 2 ** index), 3);
  });

  test('is planned again, counted, and listed once, until it succeeds', () => {
    for (let times = 0; times < 3; times++) failures.fail('a', 'local', 'permission denied');
    expect([failures.countAt('a'), failures.size, [...notices.dirty]]).toEqual([3, 1, ['a']]);
    expect(shown).toEqual([{ event: 'error', code: 'local', message: 'permission denied', path: 'a' }]);
    expect(state.problems()).toEqual([{ path: 'a', message: 'permission denied' }]);
    failures.succeed('a');
    expect([failures.countAt('a'), failures.mayTry('a'), failures.untilRetry()]).toEqual([
      0,
      true,
      Number.POSITIVE_INFINITY,
    ]);
    expect(state.problems()).toEqual([]);
  });

  test('because the picture of the service is old is tried twice at once and silently, on new changes', () => {
    for (const tries of [1, 2]) {
      failures.fail('a', 'stale_version', 'expected version 3');
      expect([failures.countAt('a'), failures.mayTry('a'), notices.takeBehind()]).toEqual([tries, true, true]);
      expect([shown, state.problems()]).toEqual([[], []]);
    }
    failures.fail('a', 'stale_version', 'expected version 3');
    expect(failures.mayTry('a')).toBe(false);
    expect(state.problems()).toEqual([
      { path: 'a', message: 'it is changed elsewhere all the time; it follows once it rests' },
    ]);
  });

  test('for the disk is looked at again, whatever its time stamps say', () => {
    const entry = { kind: 'file', size: 0, mode: 0o644, mtime_ms: 0, blocks: [], identity: 'i', hint: 'h' } as const;
    state.set('local', 'a', entry);
    failures.failEach(['a', 'b'], new DiskChanged('/x/a changed'));
    expect([...notices.unseen]).toEqual(['a', 'b']);
    expect(state.trees.local.get('a')).toEqual({ ...entry, hint: '' });
    expect([state.trees.local.has('b'), notices.behind]).toEqual([false, false]);
  });

  test('for the service is not looked at', () => {
    failures.failEach(['a'], new ServiceError('quota_exceeded', 403, 'full'));
    expect([[...notices.unseen], notices.behind]).toEqual([[], false]);
  });
});

describe('notices', () => {
  test('the first time that a change was noticed counts, and that of the directory above', () => {
    notices.noticed('docs', 100);
    notices.noticed('docs', 200);
    expect([notices.noticedAt('docs/a'), notices.noticedAt('other')]).toEqual([{ noticed_at: 100 }, {}]);
    failures.succeed('docs');
    expect(notices.noticedAt('docs/a')).toEqual({});
  });

  test('what was noticed is kept at rest only while there is something to look at', () => {
    notices.noticed('a', 100);
    notices.look('a');
    notices.cameToRest();
    expect(notices.noticedAt('a')).toEqual({ noticed_at: 100 });
    expect([...notices.takeUnseen()]).toEqual(['a']);
    expect(notices.unseen.size).toBe(0);
    notices.cameToRest();
    expect(notices.noticedAt('a')).toEqual({});
  });

  test('after a plan only what it left is dirty', () => {
    notices.replan('a', 'b', 'c');
    notices.planned([...notices.dirty].filter((path) => path !== 'b'));
    expect([...notices.dirty]).toEqual(['a', 'c']);
  });
});
