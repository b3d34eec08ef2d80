import { mkdir, stat, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { plan } from '../../../client/plan/plan.ts';
import { type RemoteEntry, syncedEntry } from '../../../client/plan/tree.ts';
import { adopt, adoptEqual } from '../../../client/steps/adopt.ts';
import { catchUp } from '../../../client/steps/catch-up.ts';
import { makeWay } from '../../../client/steps/directories.ts';
import { device, openFolder, remoteFile } from './open-folder.ts';

const nothing = (): boolean => false;

test('what is here as the service has it is agreed on, and needs no operation', async () => {
  const { sync, on, look } = await openFolder();
  for (const [path, content] of Object.entries({ same: 'a', edited: 'since', here: 'd' }))
    await writeFile(on(path), content);
  await look();
  const there = {
    same: await remoteFile('a', 3),
    edited: await remoteFile('before', 3),
    there: await remoteFile('c', 3),
  };
  for (const [path, entry] of Object.entries(there)) sync.state.set('remote', path, entry);
  sync.notices.replan('same', 'edited', 'here', 'there');
  adoptEqual(sync, nothing);
  const { local, synced } = sync.state.trees;
  expect([...synced]).toEqual([['same', syncedEntry(there.same, local.get('same')!)]]);
});

test('what a plan would have to say more about is left to it', async () => {
  const { sync, on, look } = await openFolder();
  const { state } = sync;
  await mkdir(on('folder'));
  for (const path of ['lapsed', 'left out', 'in doubt']) await writeFile(on(path), path);
  await look();
  const folder: RemoteEntry = {
    ...(await remoteFile('', 1)),
    kind: 'directory',
    mode: state.trees.local.get('folder')!.mode,
  };
  state.set('remote', 'folder', folder);
  for (const path of ['lapsed', 'left out', 'in doubt']) state.set('remote', path, await remoteFile(path, 2));
  const base = { ...syncedEntry(await remoteFile('lapsed', 1), state.trees.local.get('lapsed')!), lapsed: true };
  state.set('synced', 'lapsed', base);
  const item = { path: 'in doubt', base_version: 0, local: state.trees.local.get('in doubt')! };
  state.noteIntent({ call: 'finalize', id: device.id, device_id: device.id, items: [item] });
  sync.notices.replan('folder', 'lapsed', 'left out', 'in doubt');
  adoptEqual(sync, (path) => path === 'left out');
  expect([...state.trees.synced], 'I31: a base that lapsed').toEqual([['lapsed', base]]);
});

test('what is here as the service had it once, and has no longer, is not agreed on', async () => {
  const { version, ...was } = await remoteFile('kept here', 1);
  const entry = { path: 'a', version, ...was, blocks: [...was.blocks] };
  const told = { timestamp: 0, device_id: '00000000-0000-4000-8000-00000000000b', entry };
  const pages = [
    { changes: [{ ...told, cursor: 1, change_type: 'create' as const }], cursor: 1, more: true },
    { changes: [{ ...told, cursor: 2, change_type: 'delete' as const }], cursor: 2, more: false },
  ];
  const { sync, on, look } = await openFolder({ changes: async () => ({ sent: 0, body: pages.shift()! }) });
  await writeFile(on('a'), 'kept here');
  await look();
  await catchUp(sync);
  adoptEqual(sync, nothing);
  expect([...sync.state.trees.synced.keys()], 'I14: a file that would be deleted here').toEqual([]);
});

test('a directory that was made on the way to a file is here for itself once the service tells of it', async () => {
  const { sync, on } = await openFolder();
  const { state } = sync;
  await makeWay(sync, 'made/file');
  expect(state.trees.local.get('made')).toMatchObject({ leftover: true });
  const { mode } = await stat(on('made'));
  const there: RemoteEntry = { ...(await remoteFile('', 1)), kind: 'directory', mode: mode & 0o777 };
  state.set('remote', 'made', there);
  adopt(sync, 'made');
  expect(state.trees.local.get('made'), 'I15: a folder that somebody made').not.toHaveProperty('leftover');
  expect(state.trees.synced.get('made')).toMatchObject({ kind: 'directory', version: 1 });
  // The other device emptied it, and kept it.
  expect(plan(state.trees, { conflictPath: (path) => path, dirty: ['made'] }), 'an empty folder that stays').toEqual(
    [],
  );
});

test('a directory that came back only for what is in it stays one that goes with the last of that', async () => {
  const { sync } = await openFolder();
  const { state } = sync;
  await makeWay(sync, 'kept/file');
  const { mode } = state.trees.local.get('kept')!;
  const there: RemoteEntry = { ...(await remoteFile('', 1)), kind: 'directory', mode };
  state.set('remote', 'kept', { ...there, version: 2 });
  state.set('synced', 'kept', syncedEntry(there, state.trees.local.get('kept')!));
  adopt(sync, 'kept');
  expect(state.trees.local.get('kept')).toMatchObject({ leftover: true });
});
