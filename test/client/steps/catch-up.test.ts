import { describe, expect, test } from 'vitest';
import { ServiceError } from '../../../client/service/errors.ts';
import { ReadableChanges, ReadableTree } from '../../../client/service/readable.ts';
import { catchUp } from '../../../client/steps/catch-up.ts';
import { advanceCursor } from '../../../client/steps/cursor.ts';
import { device, done, openFolder } from './open-folder.ts';

describe('the cursor', () => {
  test('does not pass over what another device did in between', async () => {
    const { sync } = await openFolder();
    sync.state.setFact('cursor', '4');
    sync.notices.takeBehind();
    advanceCursor(sync, [done('b', 1, 6), done('a', 1, 5), done('d', 1, 8)]);
    expect(sync.state.cursor, 'I14: a change that is never read').toBe(6);
    expect(sync.notices.behind).toBe(true);
  });

  test('stays where it was when a page cannot be read', async () => {
    const entry = { path: 'a', kind: 'file' as const, size: 0, mtime_ms: 0, mode: 0o644, version: 1, blocks: [] };
    const change = { cursor: 1, change_type: 'create' as const, entry, device_id: device.id, timestamp: 0 };
    const { sync } = await openFolder({
      changes: async (_device, cursor) => {
        if (cursor > 0) throw new ServiceError('internal', 500, 'lost');
        return { sent: 0, body: { changes: [change], cursor: 1, more: true } };
      },
    });
    await expect(catchUp(sync)).rejects.toThrow('lost');
    expect([sync.state.cursor, sync.state.trees.remote.has('a')], 'I14: pages that were read').toEqual([1, true]);
  });

  test('of a tree that changes while it is read is that of its first page', async () => {
    const entry = { path: 'a', kind: 'file' as const, size: 0, mtime_ms: 0, mode: 0o644, version: 1, blocks: [] };
    const hash = '0'.repeat(64);
    const pages = [
      { hash, cursor: 7, entries: [{ name: 'a', entry }], next: 'a' },
      { hash, cursor: 9, entries: [{ name: 'b', entry: { ...entry, path: 'b' } }] },
    ];
    const { sync } = await openFolder({
      changes: async () => {
        throw new ServiceError('cursor_gone', 410, 'read the tree anew');
      },
      tree: async (_device, _path, after) => ({ sent: 0, body: pages[after === undefined ? 0 : 1]! }),
    });
    await catchUp(sync);
    expect(sync.state.cursor, 'I14: changes during the read').toBe(7);
    expect([...sync.state.trees.remote.keys()]).toEqual(['a', 'b']);
  });
});

describe('an item that cannot be read', () => {
  const entry = (path: string) => ({ path, kind: 'file', size: 0, mtime_ms: 0, mode: 0o644, version: 1, blocks: [] });
  const known = { kind: 'file', size: 0, mtime_ms: 0, mode: 0o644, version: 1, blocks: [] } as const;

  /** A device that is told of these changes, one page after the other. */
  function told(...pages: readonly (readonly Record<string, unknown>[])[]) {
    let cursor = 0;
    const answers = pages.map((page) => {
      const changes = page.map((change) => ({ change_type: 'create', device_id: device.id, timestamp: 0, ...change }));
      const numbered = changes.map((change) => ({ ...change, cursor: ++cursor }));
      return ReadableChanges.parse({ changes: numbered, cursor, more: false });
    });
    return openFolder({ changes: async () => ({ sent: 0, body: answers.shift()! }) });
  }

  test('is listed, the cursor goes past it, and all others count', async () => {
    const { sync } = await told([
      { entry: entry('a') },
      { entry: entry('back\\slash') },
      { entry: { ...entry('later'), kind: 'fifo' } },
      { entry: entry('e\u0301'), change_type: 'move', moved_from: 'here' },
      { entry: entry('z') },
    ]);
    sync.state.set('remote', 'here', known);
    await catchUp(sync);
    expect(sync.state.cursor, 'I14: the cursor').toBe(5);
    expect([...sync.state.trees.remote.keys()].sort(), 'what is deleted here').toEqual(['a', 'here', 'z']);
    const listed = () => sync.state.problems().map(({ path }) => path);
    expect(listed()).toEqual(['back\\slash', 'e\u0301', 'later']);
    sync.state.clearProblems();
    expect(listed(), 'at the next start, which reads none of them again').toHaveLength(3);
  });

  test('is listed until it can be read, or is gone', async () => {
    const { sync } = await told(
      [{ entry: entry('back\\slash') }, { entry: { ...entry('later'), kind: 'fifo' } }],
      [{ entry: entry('back\\slash'), change_type: 'delete' }, { entry: entry('later') }],
    );
    await catchUp(sync);
    expect(sync.state.unreadable.size).toBe(2);
    await catchUp(sync);
    expect([sync.state.unreadable.size, sync.state.problems()]).toEqual([0, []]);
  });

  test('in a tree that is read anew leaves what was known at its path', async () => {
    const page = {
      hash: '0'.repeat(64),
      cursor: 9,
      entries: [
        { name: 'known', entry: { ...entry('known'), kind: 'fifo' } },
        { name: 'z', entry: entry('z') },
      ],
    };
    const { sync } = await openFolder({
      changes: async () => {
        throw new ServiceError('cursor_gone', 410, 'read the tree anew');
      },
      tree: async () => ({ sent: 0, body: ReadableTree.parse(page) }),
    });
    for (const path of ['known', 'gone']) sync.state.set('remote', path, known);
    await catchUp(sync);
    expect([...sync.state.trees.remote.keys()].sort()).toEqual(['known', 'z']);
    expect([...sync.state.unreadable.keys()]).toEqual(['known']);
  });

  test('without a name is no answer of this service', () => {
    expect(ReadableChanges.safeParse({ changes: [{}], cursor: 1, more: false }).success).toBe(false);
    expect(ReadableTree.safeParse({ hash: '0'.repeat(64), cursor: 1, entries: [7] }).success).toBe(false);
  });
});
