import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ServiceError } from '../../../client/service/errors.ts';
import { catchUp } from '../../../client/steps/catch-up.ts';
import type { TreeResponse } from '../../../protocol/tree.ts';
import { openFolder, remoteFile, type StepFolder } from './open-folder.ts';

const unavailable = new ServiceError('unavailable', 503, 'lost');

async function item(name: string, content: string): Promise<TreeResponse['entries'][number]> {
  const { blocks, ...entry } = await remoteFile(content, 3);
  return { name, entry: { path: name, ...entry, blocks: [...blocks] } };
}

/** A device without a state, with files on its disk, and a service that answers with its tree by these pages. */
async function lost(files: Record<string, string>, pages: (TreeResponse['entries'] | Error)[]): Promise<StepFolder> {
  const folder = await openFolder({
    changes: async () => {
      throw new ServiceError('cursor_gone', 410, 'read the tree anew');
    },
    tree: async () => {
      const page = pages.shift()!;
      if (page instanceof Error) throw page;
      const next = pages.length > 0 ? { next: page.at(-1)!.name } : {};
      return { sent: 0, body: { hash: '0'.repeat(64), cursor: 7, entries: page, ...next } };
    },
  });
  for (const [path, content] of Object.entries(files)) await writeFile(folder.on(path), content);
  await folder.look();
  folder.sync.notices.takeBehind();
  return folder;
}

test('what is here as the service has it is agreed on once it is read, and nothing of it is left to plan', async () => {
  const pages = [[await item('as it was', 'a'), await item('edited', 'before')], [await item('new there', 'c')]];
  const { sync } = await lost({ 'as it was': 'a', edited: 'since', 'new here': 'd' }, pages);
  await catchUp(sync);
  const { local, synced } = sync.state.trees;
  const { identity } = local.get('as it was')!;
  expect([...synced]).toMatchObject([['as it was', { version: 3, identity }]]);
  expect([...sync.notices.dirty].sort(), 'I14: what differs').toEqual(['edited', 'new there']);
});

test('one that is cut off is read again from its beginning, and nothing of what was known is missing meanwhile', async () => {
  const [one, other] = [[await item('a', 'a')], [await item('z', 'z')]];
  const { sync } = await lost({}, [one, unavailable, one, other]);
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
  const { sync } = await lost({}, pages);
  const known: string[][] = [];
  const tree: typeof sync.api.tree = async (...of) => {
    known.push([...sync.state.trees.remote.keys()]);
    return await sync.api.tree(...of);
  };
  await catchUp({ ...sync, api: { ...sync.api, tree } });
  expect(known).toEqual([[], ['a']]);
});
