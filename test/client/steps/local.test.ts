import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { DiskChanged } from '../../../client/disk/stamps.ts';
import { type RemoteEntry, syncedEntry } from '../../../client/plan/tree.ts';
import { deleteLocal } from '../../../client/steps/delete-local.ts';
import { makeWay } from '../../../client/steps/directories.ts';
import { moveLocal, setAside } from '../../../client/steps/local.ts';
import { takeFolderMove } from '../../../client/steps/take-over.ts';
import { atFlush } from '../at-flush.ts';
import { blockOf, openFolder, remoteFile } from './open-folder.ts';

describe('an edit between the look and the step', () => {
  test('is not deleted', async () => {
    const { sync, on, text, agreed } = await openFolder();
    await agreed({ a: 'old' });
    await writeFile(on('a'), 'edited');
    await deleteLocal(sync, ['a']);
    expect(await text('a').catch(() => 'gone'), 'I15: an edited file').toBe('edited');
  });

  test('is not taken along as what was known', async () => {
    const { sync, on, agreed, hintAt } = await openFolder();
    await agreed({ a: 'old' });
    sync.state.set('remote', 'b', await remoteFile('old', 2));
    await writeFile(on('a'), 'edited');
    await moveLocal(sync, 'a', 'b').catch((error) => expect(error).toBeInstanceOf(DiskChanged));
    const known = sync.state.trees.local.get('b');
    expect(known?.hint === (await hintAt('b').catch(() => '')), 'I15: an edit that no look will find').toBe(false);
  });

  test('is looked at before the file gets another name', async () => {
    const { sync, on, text, agreed } = await openFolder();
    await agreed({ a: 'old' });
    sync.state.set('remote', 'b', await remoteFile('old', 2));
    await writeFile(on('a'), 'edited');
    await moveLocal(sync, 'a', 'b').catch((error) => expect(error).toBeInstanceOf(DiskChanged));
    expect(await text('a').catch(() => 'gone'), 'I15: a file that was edited').toBe('edited');
  });

  test('is not taken along as what was known, nor one at the moment of the rename', async () => {
    const { sync, on, agreed } = await openFolder();
    await agreed({ a: 'old' });
    sync.state.set('remote', 'b', await remoteFile('old', 2));
    await atFlush(sync.root, () => writeFile(on('b'), 'edited'));
    await moveLocal(sync, 'a', 'b');
    expect(sync.state.trees.local.get('b')?.hint, 'I15: an edit that no look will find').toBe('');
    expect([...sync.notices.unseen]).toContain('b');
  });

  test('at the target is not renamed over', async () => {
    const { sync, on, text, agreed } = await openFolder();
    await agreed({ a: 'old' });
    sync.state.set('remote', 'b', await remoteFile('old', 2));
    await writeFile(on('b'), 'the user was here');
    await moveLocal(sync, 'a', 'b').catch((error) => expect(error).toBeInstanceOf(DiskChanged));
    expect(await text('b'), 'I15: a file that appeared').toBe('the user was here');
  });
});

test('what arrives in a folder where a file has yet to go waits for another look', async () => {
  const { sync, text, agreed } = await openFolder();
  await agreed({ a: 'a file' });
  await expect(makeWay(sync, 'a/in/b')).rejects.toThrow(DiskChanged);
  expect([...sync.notices.unseen]).toContain('a');
  expect(await text('a')).toBe('a file');
});

test('a folder that was renamed may hold more than a call takes arguments', async () => {
  const file = await remoteFile('a file', 1);
  const remote = new Map(Array.from({ length: 150_000 }, (_, nth) => [`new/${nth}`, file]));
  const state = { set: () => undefined, remove: () => undefined };
  const trees = { local: new Map(), remote, synced: new Map() };
  expect(takeFolderMove(state, trees, 'old', 'new')).toHaveLength(150_000);
});

describe('a conflict', () => {
  test('leaves the copy, with all that is in it, as new files to upload', async () => {
    const { sync, on, text, agreed } = await openFolder();
    await mkdir(on('docs'));
    await agreed({ 'docs/a': 'mine' });
    await setAside(sync, 'docs', 'docs (copy)');
    expect(await text('docs (copy)/a')).toBe('mine');
    const { local, synced } = sync.state.trees;
    expect([...local.keys()].sort(), 'I15: the copy').toEqual(['docs (copy)', 'docs (copy)/a']);
    expect(synced.has('docs (copy)/a'), 'I15: a copy that nobody uploads').toBe(false);
    expect([...sync.notices.dirty]).toEqual(expect.arrayContaining(['docs', 'docs/a', 'docs (copy)', 'docs (copy)/a']));
  });
});

test('a file that was renamed and edited elsewhere is still to be downloaded after the rename', async () => {
  const { sync, agreed } = await openFolder();
  await agreed({ a: 'old' });
  sync.state.set('remote', 'b', { ...(await remoteFile('new', 2)), moved_from: 'a' });
  await moveLocal(sync, 'a', 'b');
  expect(sync.state.trees.synced.get('b'), 'I14: what both sides had').toMatchObject({
    version: 1,
    blocks: [await blockOf('old')],
  });
});

test('a file that was committed under a name that was renamed before follows, and is still to be renamed at the service', async () => {
  const { sync, agreed } = await openFolder();
  await agreed({ a: 'late' });
  await moveLocal(sync, 'a', 'b');
  const { local, synced } = sync.state.trees;
  expect([[...local.keys()], [...synced.keys()]], 'I32: a rename that nobody sends').toEqual([['b'], ['a']]);
});

test('a folder that was renamed elsewhere takes along all that is in it, also what nobody has looked at', async () => {
  const { sync, on, text, agreed } = await openFolder();
  const { state } = sync;
  await mkdir(on('docs'));
  await agreed({ 'docs/a': 'old', 'docs/gone': 'x' });
  const folder: RemoteEntry = { ...(await remoteFile('', 1)), kind: 'directory' };
  state.set('synced', 'docs', syncedEntry(folder, state.trees.local.get('docs')!));
  for (const path of ['docs/a', 'docs/gone']) state.remove('remote', path);
  state.set('remote', 'papers', { ...folder, version: 2, moved_from: 'docs' });
  state.set('remote', 'papers/a', { ...(await remoteFile('old', 2)), moved_from: 'docs/a' });
  await writeFile(on('docs/new'), 'unseen');
  await moveLocal(sync, 'docs', 'papers');
  expect(await text('papers/new'), 'I15: what came into it meanwhile').toBe('unseen');
  const { local, remote, synced } = state.trees;
  expect([...local.keys()].sort()).toEqual(['papers', 'papers/a', 'papers/gone']);
  expect(synced.get('papers/a'), 'I32: what both sides have').toMatchObject({ version: 2 });
  expect(synced.get('papers/gone'), 'I14: what was deleted elsewhere').toMatchObject({ version: 1 });
  expect(remote.get('papers/a')).not.toHaveProperty('moved_from');
  expect([...sync.notices.dirty]).toEqual(expect.arrayContaining(['docs/a', 'papers', 'papers/a', 'papers/gone']));
  expect([...sync.notices.unseen].sort()).toEqual(['docs', 'papers']);
});

test('a folder that the user has just renamed or deleted is not made again for what arrives in it', async () => {
  const { sync, on, text, agreed } = await openFolder();
  await mkdir(on('docs'));
  await agreed({ 'docs/a': 'old', b: 'b' });
  await rename(on('docs'), on('papers'));
  sync.state.set('remote', 'docs/b', { ...(await remoteFile('b', 2)), moved_from: 'b' });
  await expect(moveLocal(sync, 'b', 'docs/b')).rejects.toBeInstanceOf(DiskChanged);
  expect(await text('b'), 'I32: a folder that nobody made').toBe('b');
  expect([...sync.notices.unseen]).toContain('docs');
});

test('a folder that was renamed elsewhere has its new name here, also where the user renames the one around it at that moment', async () => {
  const { sync, on, agreed } = await openFolder();
  const { state } = sync;
  await mkdir(on('around/docs'), { recursive: true });
  await agreed({ 'around/docs/a': 'old' });
  const folder: RemoteEntry = { ...(await remoteFile('', 1)), kind: 'directory' };
  state.set('synced', 'around/docs', syncedEntry(folder, state.trees.local.get('around/docs')!));
  state.remove('remote', 'around/docs/a');
  state.set('remote', 'around/papers', { ...folder, version: 2, moved_from: 'around/docs' });
  state.set('remote', 'around/papers/a', { ...(await remoteFile('old', 2)), moved_from: 'around/docs/a' });
  await atFlush(sync.root, async () => {
    if (existsSync(on('around'))) await rename(on('around'), on('shelf'));
  });
  await moveLocal(sync, 'around/docs', 'around/papers');
  const { local, synced } = state.trees;
  for (const tree of [local, synced]) {
    expect(
      [...tree.keys()].filter((path) => path.includes('/')).sort(),
      'I32: a name that the user did not give',
    ).toEqual(['around/papers', 'around/papers/a']);
  }
  expect(sync.unmovable.size).toBe(0);
  expect([...sync.notices.unseen]).toContain('around/papers');
});

test('a folder in whose place another one lies is not renamed', async () => {
  const { sync, on, agreed } = await openFolder();
  await mkdir(on('docs'));
  await agreed({ 'docs/a': 'old' });
  await rename(on('docs'), on('mine'));
  await mkdir(on('docs'));
  await expect(moveLocal(sync, 'docs', 'papers')).rejects.toBeInstanceOf(DiskChanged);
});

test('a folder that the disk refuses to rename follows file by file', async () => {
  const { sync, on, agreed } = await openFolder();
  await mkdir(on('docs'));
  await agreed({ 'docs/a': 'old' });
  const tooLong = 'p'.repeat(300);
  await expect(moveLocal(sync, 'docs', tooLong)).rejects.toThrow('longer than 255 bytes');
  expect(sync.unmovable.has('docs')).toBe(true);
  expect([...sync.notices.dirty]).toEqual(expect.arrayContaining(['docs', 'docs/a']));
});

test('a folder that still holds what is not synced stays, and is no longer the service’s', async () => {
  const { sync, on, text, look } = await openFolder();
  await mkdir(on('docs'));
  await look();
  const remote: RemoteEntry = { ...(await remoteFile('', 1)), kind: 'directory' };
  sync.state.set('synced', 'docs', syncedEntry(remote, sync.state.trees.local.get('docs')!));
  await writeFile(on('docs/ignored'), 'precious');
  await deleteLocal(sync, ['docs']);
  expect(await text('docs/ignored')).toBe('precious');
  expect(sync.state.trees.local.get('docs'), 'I15: a folder that stays').toMatchObject({ leftover: true });
  expect(sync.state.trees.synced.has('docs')).toBe(false);
});
