import { rename } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { deleteRemote, moveRemote } from '../../../client/steps/remote.ts';
import { openFolder } from './open-folder.ts';

describe('a refusal of the service', () => {
  const error = { code: 'stale_version' as const, message: 'changed elsewhere' };

  test('to delete leaves what was known', async () => {
    const { sync, agreed } = await openFolder({
      remove: async () => ({ sent: 0, body: { results: [{ path: 'a', error }] } }),
    });
    await agreed({ a: 'old' });
    await deleteRemote(sync, [{ do: 'deleteRemote', path: 'a', base_version: 1 }]);
    expect(sync.state.trees.remote.has('a'), 'I14: what the service still has').toBe(true);
    expect(sync.notices.behind).toBe(true);
  });

  test('to move makes it a new file and a deletion', async () => {
    const { sync, on, agreed } = await openFolder({
      move: async () => ({ sent: 0, body: { results: [{ path: 'b', error }] } }),
    });
    await agreed({ a: 'old' });
    await rename(on('a'), on('b'));
    const move = (): Promise<void> => moveRemote(sync, [{ do: 'moveRemote', from: 'a', to: 'b', base_version: 1 }]);
    await move();
    expect([[...sync.unmovable], sync.notices.behind], 'I32: an edit made elsewhere does not follow').toEqual([
      [],
      true,
    ]);
    for (let times = 0; times < 10; times++) await move();
    expect([...sync.unmovable].sort(), 'I14: a move that is tried for ever').toEqual(['a', 'b']);
    expect([sync.state.trees.remote.has('a'), sync.state.trees.remote.has('b')]).toEqual([true, false]);
  });
});
