import { expect, test } from 'vitest';
import { ServiceError } from '../../../client/service/errors.ts';
import { catchUp } from '../../../client/steps/catch-up.ts';
import { treeHashes } from '../../../client/steps/tree-hashes.ts';
import type { TreeResponse } from '../../../protocol/tree.ts';
import { openFolder, remoteFile, type StepFolder } from './open-folder.ts';

const unavailable = new ServiceError('unavailable', 503, 'lost');

async function item(name: string, content: string): Promise<TreeResponse['entries'][number]> {
  const { blocks, ...entry } = await remoteFile(content, 3);
  return { name, entry: { path: name, ...entry, blocks: [...blocks] } };
}

/** A device whose changes are not kept any more, and a service that answers with its tree by these pages. */
async function reader(pages: (TreeResponse['entries'] | Error)[]): Promise<StepFolder> {
  const folder = await openFolder({
    changes: async () => {
      throw new ServiceError('cursor_gone', 410, 'read the tree anew');
    },
    tree: async (_device, path) => {
      const page = pages.shift()!;
      if (page instanceof Error) throw page;
      const next = pages.length > 0 && path === undefined && page.length > 0 ? { next: page.at(-1)!.name } : {};
      return { sent: 0, body: { hash: '0'.repeat(64), cursor: 7, entries: page, ...next } };
    },
  });
  folder.sync.notices.takeBehind();
  return folder;
}

test('a directory that the service has only for what is in it is no longer known as one that was made', async () => {
  const directory = { kind: 'directory', size: 0, mode: 0o755, mtime_ms: 0, blocks: [], version: 3 } as const;
  const file = await remoteFile('kept', 1);
  const known = async (hash: string) => {
    const { sync } = await reader([[{ name: 'docs', tree_hash: hash }], [], []]);
    sync.state.set('remote', 'docs', directory);
    sync.state.set('remote', 'docs/kept', file);
    await catchUp(sync);
    return [...sync.state.trees.remote.keys()].sort();
  };
  const hash = treeHashes([['docs/kept', file]]).get('docs')!;
  expect(await known(hash), 'I14: one that was deleted').toEqual(['docs/kept']);
  expect(await known('0'.repeat(64)), 'I14: one that was deleted, with what was in it').toEqual([]);
});

test('one that is cut off is read again from its beginning, and nothing of what was known is missing meanwhile', async () => {
  const [one, other] = [[await item('a', 'a')], [await item('z', 'z')]];
  const { sync } = await reader([one, unavailable, one, other]);
  const before = await remoteFile('known', 1);
  for (const path of ['a', 'gone']) sync.state.set('remote', path, before);
  sync.state.setFact('cursor', '4');
  await expect(catchUp(sync)).rejects.toThrow('lost');
  expect([sync.state.cursor, [...sync.state.trees.remote.keys()].sort()], 'I14: a tree of which half is known').toEqual(
    [4, ['a', 'gone']],
  );
  await catchUp(sync);
  expect([sync.state.cursor, [...sync.state.trees.remote.keys()].sort()]).toEqual([7, ['a', 'z']]);
  expect([...sync.notices.dirty].sort()).toEqual(['a', 'gone', 'z']);
});

test('pages are taken over one by one, so that a tree is never held twice', async () => {
  const pages = [[await item('a', 'a')], [await item('b', 'b')]];
  const { sync } = await reader(pages);
  const known: string[][] = [];
  const tree: typeof sync.api.tree = async (...of) => {
    known.push([...sync.state.trees.remote.keys()]);
    return await sync.api.tree(...of);
  };
  await catchUp({ ...sync, api: { ...sync.api, tree } });
  expect(known).toEqual([[], ['a']]);
});
