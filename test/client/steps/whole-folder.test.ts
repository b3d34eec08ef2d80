import { describe, expect, test } from 'vitest';
import { Unreachable } from '../../../client/service/errors.ts';
import { moveBatches } from '../../../client/steps/batches.ts';
import { catchUp } from '../../../client/steps/catch-up.ts';
import { settleIntents } from '../../../client/steps/commit.ts';
import type { Sync } from '../../../client/steps/context.ts';
import { moveRemote } from '../../../client/steps/remote.ts';
import { treeHashes } from '../../../client/steps/tree-hashes.ts';
import type { Change } from '../../../protocol/changes.ts';
import type { CommitResult } from '../../../protocol/commit.ts';
import type { MoveRequest } from '../../../protocol/move.ts';
import { done, openFolder } from './open-folder.ts';

const directory = { kind: 'directory', size: 0, mode: 0o755, mtime_ms: 0, blocks: [] } as const;
const file = { kind: 'file', size: 0, mode: 0o644, mtime_ms: 0, blocks: [] } as const;
const names = Array.from({ length: 30 }, (_, index) => `sub/${index}`);

/** Puts a directory into what is known of the service, and agreed on. */
function know(sync: Sync, path: string): void {
  for (const name of ['', '/sub', ...names.map((name) => `/${name}`)]) {
    const entry = { ...(name.length < 5 ? directory : file), version: 1 };
    sync.state.set('remote', path + name, entry);
    sync.state.set('synced', path + name, { ...entry, identity: path + name });
  }
}

const steps = (sync: Sync, from: string, to: string) =>
  [...sync.state.trees.remote.keys()]
    .filter((path) => path === from || path.startsWith(`${from}/`))
    .map((path) => ({ do: 'moveRemote', from: path, to: to + path.slice(from.length), base_version: 1 }) as const);

const answer = (...results: CommitResult[]) => ({ sent: 0, body: { results } });
const moved = { ...done('new', 7, 41), entries: 32 } as CommitResult;

describe('the rename of a directory with all that is in it', () => {
  test('is one item of a call, and what both sides agreed on lies under the new name', async () => {
    const calls: MoveRequest[] = [];
    const { sync } = await openFolder({
      move: async (request) => {
        calls.push(request);
        return answer(moved);
      },
    });
    know(sync, 'old');
    sync.state.setFact('cursor', '40');
    sync.notices.takeBehind();
    const { remote, synced } = sync.state.trees;
    const hash = treeHashes(remote).get('old');
    await moveRemote(sync, steps(sync, 'old', 'new'));
    expect(calls.map(({ moves }) => moves)).toEqual([[{ from: 'old', to: 'new', base_version: 1, tree_hash: hash }]]);
    const all = ['new', 'new/sub', ...names.map((name) => `new/${name}`)].sort();
    for (const tree of [remote, synced]) {
      expect([...tree.keys()].sort()).toEqual(all);
      expect([...tree.values()].every(({ version }) => version === 7)).toBe(true);
    }
    expect([sync.state.cursor, sync.notices.behind]).toEqual([72, false]);
  });

  test('whose answer is lost is repeated as it was', async () => {
    const calls: MoveRequest[] = [];
    const { sync } = await openFolder({
      move: async (request) => {
        calls.push(request);
        if (calls.length === 1) throw new Unreachable('the service does not answer');
        return answer(moved);
      },
    });
    know(sync, 'old');
    await expect(moveRemote(sync, steps(sync, 'old', 'new'))).rejects.toThrow('does not answer');
    expect(sync.state.trees.remote.has('old')).toBe(true);
    sync.state.set('remote', 'old/since', { ...file, version: 1 });
    expect(await settleIntents(sync)).toEqual([]);
    expect(calls[1]).toEqual(calls[0]);
    expect(sync.state.trees.remote.get('new/sub/1')).toMatchObject({ version: 7 });
  });

  test('is told entry by entry where it is not all that is there, or goes elsewhere', async () => {
    const calls: MoveRequest[] = [];
    const { sync } = await openFolder({
      move: async (request) => {
        calls.push(request);
        return answer(...request.moves.map(({ to }, index) => done(to, 2, index + 1)));
      },
    });
    know(sync, 'old');
    const all = steps(sync, 'old', 'new');
    await moveRemote(sync, all.slice(0, -1));
    know(sync, 'other');
    const apart = steps(sync, 'other', 'next');
    await moveRemote(sync, [...apart.slice(0, -1), { ...apart.at(-1)!, to: 'aside' }]);
    expect(calls.map(({ moves }) => [moves.length, moves.some(({ tree_hash }) => tree_hash)])).toEqual([
      [31, false],
      [32, false],
    ]);
  });

  test('that is refused because of what changed in it is tried again, and at last entry by entry', async () => {
    const calls: MoveRequest[] = [];
    const { sync } = await openFolder({
      move: async (request) => {
        calls.push(request);
        return answer({ path: 'new', error: { code: 'stale_version', message: 'changed' } });
      },
    });
    know(sync, 'old');
    for (let times = 0; times < 10; times++) await moveRemote(sync, steps(sync, 'old', 'new'));
    expect(
      calls.map(({ moves }) => moves.length),
      'I14: a rename that is refused for ever',
    ).toEqual([1, 1, ...Array(8).fill(32)]);
    expect(sync.notices.behind).toBe(true);
    expect([...sync.unmovable]).toEqual(expect.arrayContaining(['old']));
    expect(sync.state.trees.remote.has('old/sub/1')).toBe(true);
  });
});

test('renames go in calls: a directory that moves whole and where nothing else goes in one of its own, in order', async () => {
  const { sync } = await openFolder();
  for (const name of ['large', 'met']) know(sync, name);
  for (const path of ['first', 'small', 'small/a', 'last', 'in'])
    sync.state.set('remote', path, { ...(path === 'small' ? directory : file), version: 1 });
  const move = (from: string, to: string) => ({ do: 'moveRemote', from, to, base_version: 1 }) as const;
  const moves = [
    move('first', '1'),
    ...steps(sync, 'large', 'l'),
    ...steps(sync, 'small', 's'),
    ...steps(sync, 'met', 'm'),
    move('in', 'm/in'),
    move('last', '2'),
  ];
  const ends = [...moveBatches(sync, moves)].map((call) => [call[0]!.from, call.length]);
  expect(ends).toEqual([
    ['first', 1],
    ['large', 32],
    ['small', 36],
  ]);
});

describe('a directory that another device renamed', () => {
  const item: Change = {
    cursor: 41,
    change_type: 'move',
    entry: { path: 'new', ...directory, blocks: [], version: 7 },
    moved_from: 'old',
    entries: 32,
    device_id: '00000000-0000-4000-8000-000000000001',
    timestamp: 0,
  };

  /** A device at this change, and the cursors that it asks for. */
  async function reading(prepare: (sync: Sync) => void = () => undefined) {
    const asked: number[] = [];
    const { sync } = await openFolder({
      changes: async (_device, cursor) => {
        asked.push(cursor);
        const isFirst = cursor === 40;
        return { sent: 0, body: { changes: isFirst ? [item] : [], cursor: isFirst ? 72 : cursor, more: false } };
      },
    });
    know(sync, 'old');
    sync.state.setFact('cursor', '40');
    prepare(sync);
    await catchUp(sync);
    return { sync, asked };
  }

  test('is one item, and all that is in it lies under the new name, each with where it was', async () => {
    const { sync, asked } = await reading();
    expect([asked, sync.state.cursor]).toEqual([[40], 72]);
    const { remote } = sync.state.trees;
    expect([...remote.keys()].sort()).toEqual(['new', 'new/sub', ...names.map((name) => `new/${name}`)].sort());
    expect(remote.get('new/sub/1')).toEqual({ ...file, version: 7, moved_from: 'old/sub/1' });
    expect(sync.notices.dirty.has('old/sub/1')).toBe(true);
  });

  test.each<[string, (sync: Sync) => void]>([
    ['lacks something', ({ state }) => state.remove('remote', 'old/sub/1')],
    ['has more', ({ state }) => state.set('remote', 'old/own', { ...file, version: 1 })],
    ['may have a tree from after it', ({ state }) => state.setFact('tree_cursor', '41')],
    ['could not read something', ({ state }) => (state.unreadable = new Map([['old/sub/1', 'of another kind']]))],
  ])('is followed by its entries one by one where this device %s in it', async (_, prepare) => {
    const { sync, asked } = await reading(prepare);
    expect(asked, 'I14: what moved without this device').toEqual([40, 41]);
    expect(sync.state.trees.remote.get('new')).toMatchObject({ version: 7, moved_from: 'old' });
    expect(sync.state.trees.remote.has('old/sub/2')).toBe(true);
  });
});
