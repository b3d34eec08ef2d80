import { expect, test } from 'vitest';
import { PORTION } from '../../client/steps/newcomers.ts';
import { device, directory, openRounds, smallFile } from './rounds.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

test.each([
  ['a portion at a time, and together as soon as anything happens', false],
  ['together where both sides have some', true],
])('very many files of a first sync are planned %s', async (_how, isMerge) => {
  const scene = await openRounds({ uploadInit: () => new Promise(() => undefined) });
  const { sync, transfers, rounds } = scene;
  const small = { ...directory, ...smallFile };
  const paths = names(2 * PORTION + 1);
  sync.state.transaction(() => {
    for (const path of paths) sync.state.set('local', path, small);
    if (isMerge) sync.state.set('remote', 'there', { ...directory, version: 1 });
  });
  scene.found = ({ notices }) => {
    for (const path of paths) notices.replan(path);
    scene.found = () => undefined;
  };
  await rounds.run();
  expect(transfers.load.files).toBe(isMerge ? paths.length : PORTION);
  sync.state.set('local', 'note', small);
  sync.notices.replan('note');
  await rounds.run();
  expect(transfers.load.files, 'it may be the other end of a rename of any').toBe(paths.length + 1);
});

test('a first sync of very many files ends when all of them are there, beside the rules', async () => {
  const offered = new Map<string, readonly { readonly path: string }[]>();
  let count = 0;
  const scene = await openRounds({
    uploadInit: async ({ upload_id, files }) => {
      offered.set(upload_id, files);
      return { sent: 0, body: { upload_id, expires_at: 0, refused: [], send: [] } };
    },
    finalize: async ({ upload_id }) => {
      const results = offered
        .get(upload_id)!
        .map(({ path }) => ({ path, version: 1, version_id: device.id, cursor: ++count }));
      return { sent: 0, body: { results } };
    },
  });
  const { state, notices } = scene.sync;
  const paths = names(2 * PORTION + 1);
  state.transaction(() => {
    for (const path of paths) state.set('local', path, { ...directory, kind: 'file' });
    for (const tree of ['local', 'remote', 'synced'] as const)
      state.set(tree, '.tidemarkignore', { ...directory, kind: 'file', version: 1 });
  });
  notices.replan(...paths);
  await scene.rounds.run();
  expect(notices.newcomers.size).toBe(PORTION + 1);
  await scene.settle();
  expect(state.trees.synced.size).toBe(paths.length + 1);
}, 120_000);

test('newcomers that wait are planned once there is room for them, and large files and folders before that', async () => {
  const scene = await openRounds();
  const { state, notices } = scene.sync;
  const large = { ...directory, kind: 'file', size: 2 ** 21, blocks: [] } as const;
  const paths = names(3 * PORTION);
  state.transaction(() => {
    for (const path of paths) state.set('local', path, { ...large, size: 1 });
    state.set('local', 'large', large);
    state.set('local', 'folder', directory);
  });
  for (const path of [...paths, 'large', 'folder']) notices.replan(path);
  const none = (): boolean => false;
  notices.portion(true, none);
  expect([notices.dirty.size, notices.newcomers.load]).toEqual([
    PORTION + 2,
    { files: 2 * PORTION, bytes: 2 * PORTION },
  ]);
  notices.planned([]);
  notices.portion(false, none);
  expect(notices.dirty.size).toBe(0);
  notices.portion(true, none);
  expect([notices.dirty.size, notices.newcomersAreNext]).toEqual([PORTION, true]);
  notices.replan('0');
  expect(notices.newcomersAreNext).toBe(false);
  notices.portion(true, none);
  expect([notices.dirty.size, notices.newcomers.load]).toEqual([2 * PORTION + 1, { files: 0, bytes: 0 }]);
});
