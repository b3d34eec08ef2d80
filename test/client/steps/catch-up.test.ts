import { describe, expect, test } from 'vitest';
import { ServiceError } from '../../../client/service/errors.ts';
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
