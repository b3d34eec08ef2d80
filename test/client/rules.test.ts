import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorOf } from '../../client/api-errors.ts';
import { conflictPath } from '../../client/conflict.ts';
import { formatBytes } from '../../client/format.ts';
import { DeletionGuard } from '../../client/guard.ts';
import type { Operation } from '../../client/operation.ts';
import { backoff } from '../../client/retry.ts';
import type { SyncedEntry } from '../../client/tree.ts';
import { pathProblem } from '../../protocol/path.ts';

describe('names of conflict copies', () => {
  const day = new Date(2026, 0, 31);
  const name = (path: string, taken: readonly string[] = []): string =>
    conflictPath(path, 'desk', day, (candidate) => taken.includes(candidate));

  test.each([
    ['a.txt', 'a (conflicted copy, desk, 2026-01-31).txt'],
    ['docs/a.tar.gz', 'docs/a.tar (conflicted copy, desk, 2026-01-31).gz'],
    ['.bashrc', '.bashrc (conflicted copy, desk, 2026-01-31)'],
    ['docs.d/Makefile', 'docs.d/Makefile (conflicted copy, desk, 2026-01-31)'],
    ['a (conflicted copy, other, 2025-12-24).txt', 'a (conflicted copy, desk, 2026-01-31).txt'],
  ])('%s becomes %s', (path, expected) => expect(name(path)).toBe(expected));

  test('a second copy of one day has a number', () => {
    expect(name('a.txt', ['a (conflicted copy, desk, 2026-01-31).txt'])).toBe(
      'a (conflicted copy, desk, 2026-01-31 2).txt',
    );
  });

  test('is a legal path for every legal path', () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 250 });
    fc.assert(
      fc.property(segment, (path) => {
        fc.pre(pathProblem(path) === undefined);
        expect(pathProblem(name(path))).toBeUndefined();
      }),
    );
  });
});

describe('the guard against mass deletion', () => {
  const synced = (count: number): Map<string, SyncedEntry> =>
    new Map(
      Array.from({ length: count }, (_, index) => [
        `f${index}`,
        { kind: 'file', size: 0, mode: 0o644, mtime_ms: 0, blocks: [], version: 1, identity: '' },
      ]),
    );
  const deletions = (count: number): Operation[] =>
    Array.from({ length: count }, (_, index) => ({ do: 'deleteRemote', path: `f${index}`, base_version: 1 }));

  test('stops at more than half of the files', () => {
    expect(() => new DeletionGuard(false).check(deletions(51), synced(100))).toThrow(
      '51 of 100 files would be deleted',
    );
    expect(() => new DeletionGuard(false).check(deletions(50), synced(100))).not.toThrow();
  });

  test('few files need no question, and neither does who allowed it', () => {
    expect(() => new DeletionGuard(false).check(deletions(20), synced(20))).not.toThrow();
    expect(() => new DeletionGuard(true).check(deletions(100), synced(100))).not.toThrow();
  });

  test('deletions that trickle in count together', () => {
    const guard = new DeletionGuard(false);
    guard.check(deletions(40), synced(100), 0);
    guard.note(40, 0);
    expect(() => guard.check(deletions(15), synced(60), 30_000)).toThrow('55 of 100');
    expect(() => guard.check(deletions(15), synced(60), 61_000)).not.toThrow();
  });
});

describe('answers that are not 2xx', () => {
  test('ours keep code and details', () => {
    const body = JSON.stringify({ code: 'quota_exceeded', message: 'full', details: { quota: 1 } });
    expect(errorOf(403, body)).toMatchObject({ code: 'quota_exceeded', message: 'full', details: { quota: 1 } });
  });

  test.each([
    [401, '{"message":"Unauthorized"}', 'unauthorized'],
    [403, '{"message":"Forbidden"}', 'unauthorized'],
    [404, '{"message":"Not Found"}', 'route_unknown'],
    [413, '{"message":"Request Too Long"}', 'body_too_large'],
    [429, '{"message":"Too Many Requests"}', 'throttled'],
    [500, '{"message":"Internal Server Error"}', 'internal'],
    [503, '{"message":"Service Unavailable"}', 'unavailable'],
    [504, '', 'unavailable'],
    [502, '<html>bad gateway</html>', 'unavailable'],
  ])('the gateway’s own %i maps by status', (status, body, code) => expect(errorOf(status, body).code).toBe(code));
});

test('waits double up to a ceiling, with full jitter', () => {
  for (let attempt = 1; attempt < 20; attempt++) {
    const wait = backoff(attempt);
    expect(wait).toBeGreaterThanOrEqual(0);
    expect(wait).toBeLessThanOrEqual(Math.min(30_000, 500 * 2 ** (attempt - 1)));
  }
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [99_960, '100 kB'],
  [999_600, '1.0 MB'],
  [104_857_600, '105 MB'],
])('%i bytes read %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
