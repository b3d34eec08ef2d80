import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { knownFiles } from '../../client/plan/known-files.ts';
import {
  type Content,
  type LocalEntry,
  pathsWithin,
  type RemoteEntry,
  type SyncedEntry,
  type Tree,
} from '../../client/plan/tree.ts';
import { statePlace } from '../../client/state/places.ts';
import { State } from '../../client/state/state.ts';
import { temporaryFolder } from './folder.ts';

const trees = ['local', 'remote', 'synced'] as const;
/** In the order of bytes `a` is not followed by what lies in it. */
const paths = ['a', 'a-b', 'a/b', 'a0', 'b'] as const;
const hashes = ['ab'.repeat(32), '09'.repeat(32)];
/** Of one file each, which may have to be read again. */
const stamps = [
  { identity: '1:2:3', hint: '2:5:1:1' },
  { identity: '1:2:4', hint: '' },
  { identity: '1:5:3', hint: '5:5:1:1' },
] as const;

/** What serves every tree; some of what two draws say is the same. */
const drawn = fc
  .record(
    {
      kind: fc.constantFrom('file', 'directory', 'link'),
      size: fc.constantFrom(0, 5),
      mode: fc.constantFrom(0o600, 0o644),
      mtime_ms: fc.constantFrom(-1, 1_764_567_016_123),
      blocks: fc.array(fc.record({ hash: fc.constantFrom(...hashes), size: fc.nat(5) }), {
        maxLength: 2,
      }),
      stamps: fc.constantFrom(...stamps),
      version: fc.integer({ min: 1, max: 2 }),
      leftover: fc.boolean(),
      moved_from: fc.constantFrom('a', 'b'),
      lapsed: fc.boolean(),
    },
    { requiredKeys: ['kind', 'size', 'mode', 'mtime_ms', 'blocks', 'stamps', 'version'] },
  )
  .map(({ stamps, ...entry }) => ({ ...entry, ...stamps }));
type Drawn = LocalEntry & RemoteEntry & SyncedEntry;

const step = fc.record({
  tree: fc.constantFrom(...trees, 'all' as const),
  path: fc.constantFrom(...paths),
  entry: fc.option(drawn as fc.Arbitrary<Drawn>, { freq: 4 }),
});

/** What of an entry the readers of a tree may ask for. */
const fields: { readonly [Tree in (typeof trees)[number]]: readonly (keyof Drawn)[] } = {
  local: ['kind', 'size', 'mode', 'mtime_ms', 'blocks', 'identity', 'hint', 'leftover'],
  remote: ['kind', 'size', 'mode', 'mtime_ms', 'blocks', 'version', 'moved_from'],
  synced: ['kind', 'size', 'mode', 'mtime_ms', 'blocks', 'version', 'identity', 'lapsed'],
};

function told(from: { readonly [Tree in (typeof trees)[number]]: ReadonlyMap<string, object> }) {
  const of = (tree: (typeof trees)[number]) =>
    paths.map((path) => {
      const entry = from[tree].get(path) as Drawn | undefined;
      return entry && fields[tree].map((field) => entry[field] || undefined);
    });
  return trees.map(of);
}

type ByTree = {
  readonly local: ReadonlyMap<string, LocalEntry>;
  readonly remote: ReadonlyMap<string, RemoteEntry>;
  readonly synced: ReadonlyMap<string, SyncedEntry>;
};

/** The paths whose entry has a block, by those that are said to be the ones. */
function pathsWithBlock(tree: Tree<Content>, hash: string): string[] {
  const candidates = tree.pathsWithBlocks?.(new Set([hash])) ?? tree.keys();
  return [...candidates].filter((path) => tree.get(path)?.blocks.some((block) => block.hash === hash)).sort();
}

/** What is found by where it lies, by its inode and by its blocks. */
function foundIn(from: ByTree, pathsWithInode: (inode: bigint) => readonly string[]) {
  const { byHint, byIdentity } = knownFiles(from, pathsWithInode);
  return {
    withBlocks: trees.map((tree) => hashes.map((hash) => pathsWithBlock(from[tree], hash))),
    below: trees.map((tree) => paths.map((path) => [...pathsWithin(from[tree], path)].sort())),
    identities: stamps.map((each) => byIdentity(each.identity)?.identity),
    hints: stamps.filter((each) => each.hint !== '').map((each) => byHint(each.hint)?.hint),
  };
}

test('each tree has what was set in it last, at once and after a restart, whatever the others have', async () => {
  const root = await temporaryFolder();
  await fc.assert(
    fc.property(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), (transactions) => {
      const state = new State(root);
      const expected = { local: new Map(), remote: new Map(), synced: new Map() };
      const everywhere = (): readonly string[] => paths;
      state.transaction(() => {
        for (const tree of trees) for (const path of paths) state.remove(tree, path);
      });
      for (const steps of transactions) {
        state.transaction(() => {
          for (const { tree: one, path, entry } of steps) {
            for (const tree of one === 'all' ? trees : [one]) {
              if (entry) {
                expected[tree].set(path, entry);
                state.set(tree, path, entry);
              } else {
                expected[tree].delete(path);
                state.remove(tree, path);
              }
            }
          }
          expect(foundIn(state.trees, state.pathsWithInode)).toEqual(foundIn(expected, everywhere));
        });
        expect(told(state.trees)).toEqual(told(expected));
        expect(foundIn(state.trees, state.pathsWithInode)).toEqual(foundIn(expected, everywhere));
      }
      state.close();
      const again = new State(root);
      expect(told(again.trees)).toEqual(told(expected));
      again.close();
    }),
    { numRuns: 200 },
  );
});

test('a path at which nothing is left to do is in memory once, and a row', async () => {
  const root = await temporaryFolder();
  const content = {
    kind: 'file',
    size: 1,
    mode: 0o644,
    mtime_ms: 1,
    blocks: [{ hash: 'ab'.repeat(32), size: 1 }],
  } as const;
  const state = new State(root);
  state.transaction(() => {
    state.set('local', 'a', { ...content, identity: '1:2:3', hint: '2:1:1:1' });
    state.set('remote', 'a', { ...content, version: 1 });
    state.set('synced', 'a', { ...content, version: 1, identity: '1:2:3' });
  });
  const isOne = ({ trees: { local, remote, synced } }: State): boolean =>
    local.get('a') !== undefined &&
    (local.get('a') as object) === remote.get('a') &&
    (local.get('a') as object) === synced.get('a');
  expect(isOne(state)).toBe(true);
  state.close();
  const again = new State(root);
  expect(isOne(again)).toBe(true);
  again.close();
  const file = new DatabaseSync(statePlace(root), { readOnly: true });
  expect(file.prepare('SELECT path FROM rows').all()).toEqual([{ path: 'a' }]);
  file.close();
});

test('what an older client wrote is taken over', async () => {
  const root = await temporaryFolder();
  await mkdir(dirname(statePlace(root)), { recursive: true });
  const file = new DatabaseSync(statePlace(root));
  file.exec(`CREATE TABLE entries (
    tree TEXT NOT NULL, path TEXT NOT NULL, entry TEXT NOT NULL, blocks BLOB NOT NULL, PRIMARY KEY (tree, path)
  ) WITHOUT ROWID`);
  const put = file.prepare('INSERT INTO entries VALUES (?, ?, ?, ?)');
  const blocks = Buffer.concat([Buffer.alloc(32, 0xab), Buffer.from([0, 0, 0, 5])]);
  const content = { kind: 'file', size: 5, mode: 0o644, mtime_ms: 7 };
  put.run('local', 'a', JSON.stringify({ ...content, identity: '1:2:3', hint: 'x' }), blocks);
  put.run('remote', 'a', JSON.stringify({ ...content, version: 3 }), blocks);
  put.run('synced', 'a', JSON.stringify({ ...content, version: 3, identity: '1:2:3' }), blocks);
  put.run('remote', 'b', JSON.stringify({ ...content, version: 1, moved_from: 'c' }), Buffer.alloc(0));
  file.exec('CREATE TABLE paths (path TEXT PRIMARY KEY, entries TEXT NOT NULL, blocks BLOB NOT NULL) WITHOUT ROWID');
  const all = { ...content, blocks: 1, version: 4, identity: '1:7:3', hint: '7:5:1:1' };
  file.prepare('INSERT INTO paths VALUES (?, ?, ?)').run('d', JSON.stringify({ all }), blocks);
  file.close();
  for (const _start of ['first', 'second']) {
    const state = new State(root);
    const { local, remote, synced } = state.trees;
    expect(local.get('a')).toMatchObject({ ...content, hint: 'x', blocks: [{ hash: 'ab'.repeat(32), size: 5 }] });
    expect([remote.get('a')?.version, synced.get('a')?.version, synced.get('a')?.identity]).toEqual([3, 3, '1:2:3']);
    expect([...remote]).toHaveLength(3);
    expect(synced.get('d')).toMatchObject({ ...content, version: 4, blocks: [{ hash: 'ab'.repeat(32), size: 5 }] });
    expect([state.pathsWithInode(2n), state.pathsWithInode(7n)]).toEqual([['a'], ['d']]);
    expect(remote.get('b')).toEqual({ ...content, version: 1, moved_from: 'c', blocks: [] });
    state.close();
  }
});
