import { describe, expect, test } from 'vitest';
import { ServiceError } from '../../../client/service/errors.ts';
import { ReadableChanges, ReadableTree } from '../../../client/service/readable.ts';
import { noteExclusions } from '../../../client/state/exclusions.ts';
import { catchUp, takeNews } from '../../../client/steps/catch-up.ts';
import { MOST_AT_HAND } from '../../../client/steps/contents-at-hand.ts';
import { encodeDelta } from '../../../codec/index.ts';
import { download } from '../carry-out.ts';
import { device, done, openFolder, remoteFile } from './open-folder.ts';

describe('the cursor', () => {
  test('does not pass over what another device did in between', async () => {
    const { sync } = await openFolder();
    sync.state.setFact('cursor', '4');
    sync.notices.takeBehind();
    sync.cursors.note(sync, [done('b', 1, 6), done('a', 1, 5), done('d', 1, 8)]);
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
    expect(sync.state.fact('tree_cursor'), 'I14: folders that moved during the read').toBe('9');
    expect([...sync.state.trees.remote.keys()]).toEqual(['a', 'b']);
  });
});

test('a rename of this device that is read again leaves it known where a file still lies on this disk', async () => {
  const file = { kind: 'file' as const, size: 0, mtime_ms: 0, mode: 0o644, blocks: [] };
  const entry = { ...file, path: 'outer 2/inner 2', version: 3 };
  const change = { cursor: 1, change_type: 'move' as const, entry, moved_from: 'outer/inner 2', timestamp: 0 };
  const { sync } = await openFolder({
    changes: async () => ({
      sent: 0,
      body: { changes: [{ ...change, device_id: device.id }], cursor: 1, more: false },
    }),
  });
  const { state } = sync;
  state.set('synced', 'outer 2/inner', { ...file, version: 1, identity: '' });
  const taken = { ...file, version: 3, moved_from: 'outer 2/inner' };
  state.set('remote', 'outer 2/inner 2', taken);
  await catchUp(sync);
  expect([...state.trees.remote]).toEqual([['outer 2/inner 2', taken]]);
});

describe('what a push brings', () => {
  const timeline = '00000000-0000-4000-8000-00000000000a';

  /** A device at cursor 4, and a push of a note that another one saved. */
  async function pushed(cursor: number, of = timeline) {
    const asked: string[] = [];
    const folder = await openFolder({
      download: async () => {
        asked.push('download');
        throw new ServiceError('unavailable', 503, 'not asked for');
      },
    });
    const { sync } = folder;
    sync.state.setFact('cursor', '4');
    sync.state.timeline = timeline;
    sync.notices.takeBehind();
    const { version, ...entry } = await remoteFile('a note', 1);
    const contents = { [entry.blocks[0]!.hash]: Buffer.from(encodeDelta(Buffer.alloc(0), Buffer.from('a note'))) };
    const change = {
      cursor,
      change_type: 'create' as const,
      entry: { path: 'note', version, ...entry, blocks: [...entry.blocks] },
      device_id: '00000000-0000-4000-8000-00000000000b',
      timestamp: 0,
    };
    const encoded = Object.entries(contents).map(([hash, bytes]) => [hash, bytes.toString('base64')]);
    sync.notices.hear({ change, timeline: of, contents: Object.fromEntries(encoded) });
    takeNews(sync);
    return { ...folder, asked };
  }

  test('is here without a request, where it is the next change', async () => {
    const { sync, text, asked } = await pushed(5);
    expect([sync.state.cursor, sync.notices.behind, [...sync.notices.dirty]]).toEqual([5, false, ['note']]);
    await download(sync, ['note']);
    expect([await text('note'), asked]).toEqual(['a note', []]);
  });

  test.each([
    ['after a gap', 6, timeline],
    ['of another timeline', 5, '00000000-0000-4000-8000-00000000000c'],
    ['of another timeline, though its number is known', 3, '00000000-0000-4000-8000-00000000000c'],
  ])('%s is left for the changes to say', async (_, cursor, of) => {
    const { sync } = await pushed(cursor, of);
    expect([sync.state.cursor, sync.notices.behind], 'I14: what others did before it').toEqual([4, true]);
    expect(sync.state.trees.remote.size).toBe(0);
  });

  test('and is known already changes nothing', async () => {
    const { sync } = await pushed(4);
    expect([sync.state.cursor, sync.notices.behind, sync.state.trees.remote.size]).toEqual([4, false, 0]);
  });
});

describe('small contents that come with the changes', () => {
  const [known, another] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];

  /** A device that is told of a note that another one saved; what it asks for. */
  async function told(timeline: string | undefined, pages = 1) {
    const asked: (number | undefined | 'download')[] = [];
    const { version, ...entry } = await remoteFile('a note', 1);
    const note = Buffer.from(encodeDelta(Buffer.alloc(0), Buffer.from('a note'))).toString('base64');
    const contents = { [entry.blocks[0]!.hash]: note };
    const folder = await openFolder({
      download: async () => {
        asked.push('download');
        throw new ServiceError('unavailable', 503, 'not asked for');
      },
      changes: async (_device, cursor, most) => {
        asked.push(most);
        const item = {
          entry: { path: 'note', version: cursor + 1, ...entry, blocks: [...entry.blocks] },
          timestamp: 0,
        };
        const change = { cursor: cursor + 1, change_type: 'create' as const, ...item, device_id: another };
        const page = { changes: [change], cursor: cursor + 1, more: cursor + 1 < pages, timeline: known };
        return { sent: 0, body: { ...page, ...(most !== undefined && { contents }) } };
      },
    });
    folder.sync.state.timeline = timeline;
    await catchUp(folder.sync);
    return { ...folder, asked };
  }

  test('are here without another request', async () => {
    const { sync, text, asked } = await told(known);
    await download(sync, ['note']);
    expect([await text('note'), asked]).toEqual(['a note', [64 * 1024]]);
  });

  test('are not asked for by a device that starts, and may have all of it', async () => {
    const { asked } = await told(undefined, 2);
    expect(asked).toEqual([undefined, undefined]);
  });

  test('are asked for no more than memory is kept for', async () => {
    const { sync } = await openFolder();
    const half = Buffer.alloc(MOST_AT_HAND / 2).toString('base64');
    const [first, second, third] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];
    for (const hash of [first, second, third]) expect(sync.atHand.note({ [hash]: half })).toBe(MOST_AT_HAND / 2);
    const kept: string[] = [];
    const blocks = [first, second, third].map((hash) => ({ hash, size: 1 }));
    const remote = { ...(await remoteFile('', 1)), blocks };
    for (let nth = 0; nth < 2; nth++) sync.atHand.handOver([{ remote }], { put: (hash) => kept.push(hash) });
    expect(kept).toEqual([second, third]);
  });

  test('are not asked for where folders are left out', async () => {
    const { sync, asked } = await told(known);
    await noteExclusions(sync.root, ['left out']);
    await catchUp(sync);
    expect(asked).toEqual([64 * 1024, undefined]);
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
