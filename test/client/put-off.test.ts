import { expect, test } from 'vitest';
import { putOffDeletions } from '../../client/engine/put-off.ts';
import type { Operation } from '../../client/plan/operation.ts';
import type { LocalEntry, RemoteEntry, Trees } from '../../client/plan/tree.ts';

const file = (hash: string): LocalEntry & RemoteEntry => ({
  kind: 'file',
  size: 1,
  mode: 0o644,
  mtime_ms: 0,
  blocks: [{ hash, size: 1 }],
  identity: hash,
  hint: hash,
  version: 1,
});
const directory: LocalEntry & RemoteEntry = { ...file('d'), kind: 'directory', blocks: [] };

/** The same on both sides. */
const trees = (entries: Record<string, LocalEntry & RemoteEntry>): Trees => {
  const tree = new Map(Object.entries(entries));
  return { local: tree, remote: tree, synced: new Map() };
};
const remove = (path: string): Operation => ({ do: 'deleteRemote', path, base_version: 1 });
const pathsLeft = (operations: readonly Operation[]): string[] =>
  operations.flatMap((operation) => ('path' in operation ? [operation.path] : []));

test('a deletion waits for its content under another name, and the folders around it wait with it', () => {
  const known = trees({ a: directory, 'a/b': directory, 'a/b/old': file('1'), 'a/b/other': file('2'), new: file('1') });
  const plan: Operation[] = [
    { do: 'upload', path: 'new', base_version: 0 },
    remove('a/b/other'),
    remove('a/b/old'),
    remove('a/b'),
    remove('a'),
  ];
  expect(pathsLeft(putOffDeletions(plan, known, []))).toEqual(['new', 'a/b/other']);
  expect(pathsLeft(putOffDeletions(plan.slice(1), known, [file('1')]))).toEqual(['a/b/other']);
  expect(pathsLeft(putOffDeletions(plan.slice(1), known, []))).toEqual(['a/b/other', 'a/b/old', 'a/b', 'a']);
});

test('one that makes room for what is to come does not wait', () => {
  const plan: Operation[] = [{ do: 'deleteLocal', path: 'a', makesRoom: true }];
  expect(putOffDeletions(plan, trees({ a: file('1') }), [file('1')])).toEqual(plan);
});
