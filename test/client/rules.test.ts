import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { betweenRequests, betweenSockets, whileAway } from '../../client/common/waits.ts';
import { DeletionGuard } from '../../client/engine/deletion-guard.ts';
import { conflictPath } from '../../client/plan/conflict-name.ts';
import type { Operation } from '../../client/plan/operation.ts';
import type { SyncedEntry } from '../../client/plan/tree.ts';
import { formatBytes } from '../../protocol/bytes.ts';
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

  test('is a legal path for every legal path, device and number', () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 250 });
    const long = fc
      .array(fc.constantFrom('a', 'é.', '😀'), { minLength: 60, maxLength: 100 })
      .map((all) => all.join(''));
    const path = fc.array(fc.oneof(segment, long), { minLength: 1, maxLength: 6 }).map((names) => names.join('/'));
    const device = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 32 }).filter((text) => !pathProblem(text));
    fc.assert(
      fc.property(path, device, fc.nat(3), (at, desk, more) => {
        fc.pre(pathProblem(at) === undefined);
        let left = more;
        const copy = conflictPath(at, desk, day, () => left-- > 0);
        expect(pathProblem(copy)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('a copy that has no room beside a path of 1,024 bytes lies further up, and so does one of a directory', () => {
    const folder = `${'d'.repeat(250)}/${'e'.repeat(250)}/${'f'.repeat(250)}/${'g'.repeat(250)}`;
    const file = `${folder}/${'n'.repeat(16)}.txt`;
    expect(Buffer.byteLength(file)).toBe(1024);
    expect(name(file)).toBe(
      `${'d'.repeat(250)}/${'e'.repeat(250)}/${'f'.repeat(250)}/${'n'.repeat(16)} (conflicted copy, desk, 2026-01-31).txt`,
    );
    const copy = conflictPath(folder, 'desk', day, () => false, 1024 - Buffer.byteLength(folder));
    expect(Buffer.byteLength(copy) + 1024 - Buffer.byteLength(folder)).toBeLessThanOrEqual(1024);
    expect(pathProblem(copy)).toBeUndefined();
  });
});

describe('names that are the client’s own', () => {
  test.each([
    '.tidemark',
    'sub/.tidemark/state.db',
    '.Tidemark/x',
    'a/.TIDEMARK',
    '.tide\u200cmark/x',
    '\u2060.tidemark',
    '.tidemark\ufeff',
    '.tidemark.',
    '.tidemark ',
    '.t\u0131demark',
    'TIDEMA~1/state.db',
    '.tidemark-tmp-0b8f7d0e-52a1-4e0c-9d6b-0a1b2c3d4e5f-7c3d2e1f-52a1-4e0c-9d6b-0a1b2c3d4e5f',
  ])('%j is refused', (path) => expect(pathProblem(path)).toMatch(/^is kept for Tidemark's/));

  test.each([
    '.tidemarkignore',
    '.tidemark-tmp-notes',
    '.tidemark2',
    'tidemark',
    '.config/tidemark/config.json',
    'CON',
    'x:ads',
    'name.',
    'name ',
    'invoice\u202etxt.exe',
    '\ufeffBOM',
    'A',
    'a',
  ])('%j is a name like any other', (path) => expect(pathProblem(path)).toBeUndefined());

  test.each(['\u0085', '\u009b31m', '\u007f', '\t', '\n', '\u001b'])('%j holds a control character', (name) =>
    expect(pathProblem(`a${name}`)).toBe('holds a control character at character 2'),
  );
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

  test('a small folder that is emptied stops as well', () => {
    expect(() => new DeletionGuard(false).check(deletions(20), synced(20))).toThrow('20 of 20 files');
    expect(() => new DeletionGuard(false).check(deletions(5), synced(9))).toThrow('5 of 9 files');
    expect(() => new DeletionGuard(false).check(deletions(5), synced(10))).not.toThrow();
  });

  test('says in which folder most of them are', () => {
    const stopped = (...paths: string[]): string => {
      const tree = new Map(paths.map((path) => [path, synced(1).get('f0')!]));
      const removals = paths.map((path): Operation => ({ do: 'deleteRemote', path, base_version: 1 }));
      try {
        new DeletionGuard(false).check(removals, tree);
      } catch (error) {
        return /missing here(.*?)\. If/.exec((error as Error).message)![1]!;
      }
      return 'not stopped';
    };
    const photos = ['a', 'b', 'c', 'd'].map((name) => `home/photos/${name}`);
    expect(stopped(...photos, 'home/photos/2025/e')).toBe('; all are in home/photos');
    expect(stopped(...photos, 'f', 'g')).toBe('; most are in home/photos');
    expect(stopped('1', '2', '3', '4', 'a/5')).toBe('');
  });

  test('fewer than five files need no question, and neither does who allowed it', () => {
    expect(() => new DeletionGuard(false).check(deletions(4), synced(4))).not.toThrow();
    expect(() => new DeletionGuard(true).check(deletions(100), synced(100))).not.toThrow();
  });

  test('directories and renames do not count, a file that makes room for a directory does', () => {
    const tree = synced(8);
    for (const path of ['d1', 'd2', 'd3', 'd4', 'd5', 'd6']) tree.set(path, { ...tree.get('f0')!, kind: 'directory' });
    const directories = [...tree.keys()].flatMap((path): Operation[] =>
      path.startsWith('d') ? [{ do: 'deleteLocal', path }] : [],
    );
    const renames: Operation[] = [{ do: 'moveRemote', from: 'f7', to: 'g7', base_version: 1 }];
    expect(() => new DeletionGuard(false).check([...deletions(4), ...directories, ...renames], tree)).not.toThrow();
    const room: Operation = { do: 'deleteLocal', path: 'f6', makesRoom: true };
    expect(() => new DeletionGuard(false).check([...deletions(4), room], tree)).toThrow('5 of 8 files');
  });

  test('too many wait while more is to be seen, half a minute at most, and the rest of the plan does not', () => {
    const guard = new DeletionGuard(false);
    const rename: Operation = { do: 'moveRemote', from: 'f7', to: 'g7', base_version: 1 };
    const admit = (isRestless: boolean, now: number): Operation[] =>
      guard.admit([rename, ...deletions(60)], synced(100), isRestless, now);
    expect(admit(true, 0)).toEqual([rename]);
    expect(admit(true, 29_999)).toEqual([rename]);
    expect(() => admit(true, 30_000)).toThrow('60 of 100');
    // They came back.
    expect(guard.admit(deletions(10), synced(100), true, 31_000)).toHaveLength(10);
    expect(() => guard.admit(deletions(60), synced(100), false, 200_000)).toThrow('60 of 100');
  });

  test('deletions that trickle in count together', () => {
    const guard = new DeletionGuard(false);
    guard.check(deletions(40), synced(100), 0);
    guard.note(40, 0);
    expect(() => guard.check(deletions(15), synced(60), 30_000)).toThrow('55 of 100');
    expect(() => guard.check(deletions(15), synced(60), 61_000)).not.toThrow();
  });
});

describe('waits', () => {
  test.each([
    ['between the attempts of a request', betweenRequests, 200, 2000],
    ['between two sockets', betweenSockets, 500, 30_000],
    ['in a short outage', (attempt: number) => whileAway(attempt, 60_000), 500, 6000],
    ['in a long outage', (attempt: number) => whileAway(attempt, 600_000), 500, 30_000],
  ])('%s double up to a ceiling, with full jitter', (_, wait, first, most) => {
    for (let attempt = 1; attempt < 20; attempt++) {
      const ceiling = Math.min(most, first * 2 ** (attempt - 1));
      const some = Array.from({ length: 200 }, () => wait(attempt));
      expect(Math.min(...some)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...some)).toBeLessThanOrEqual(ceiling);
      expect(Math.max(...some)).toBeGreaterThan(ceiling / 2);
    }
  });
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [99_960, '100 kB'],
  [999_600, '1.0 MB'],
  [104_857_600, '105 MB'],
])('%i bytes read %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
