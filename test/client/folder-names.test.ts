import { expect, test } from 'vitest';
import { plan } from '../../client/plan/plan.ts';
import { rebase } from '../../client/steps/rebase.ts';
import { applyEdit } from './edits.ts';
import type { Model } from './model.ts';
import { expectEqualSides, options, perturbed, settle } from './settle.ts';

test('what was still to arrive in a folder that is renamed here goes along, and so does what lies here under an older name', () => {
  const model = perturbed(
    [
      { do: 'write', path: 'b/sub/x', content: 'red' },
      { do: 'write', path: 'a/y', content: 'blue' },
    ],
    [{ do: 'move', path: 'a', to: 'c' }],
    [
      { do: 'write', path: 'a/new', content: 'green' },
      { do: 'move', path: 'b/sub', to: 'a/sub' },
    ],
  );
  const moves = plan(model, options(model)).filter((operation) => operation.do === 'moveRemote');
  expect(moves.map(({ from, to }) => [from, to])).toEqual(
    ['', '/new', '/sub', '/sub/x', '/y'].map((end) => [`a${end}`, `c${end}`]),
  );
  expect(settle(model).map(({ do: what }) => what)).not.toContain('upload');
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['b', 'c', 'c/new', 'c/sub', 'c/sub/x', 'c/y']);
});

test('what is new here in a folder that was renamed elsewhere goes along', () => {
  const model = perturbed(
    [{ do: 'write', path: 'a/y', content: 'blue' }],
    [
      { do: 'write', path: 'a/new', content: 'green' },
      { do: 'write', path: 'a/sub/new', content: 'white' },
    ],
    [{ do: 'move', path: 'a', to: 'c' }],
  );
  settle(model);
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['c', 'c/new', 'c/sub', 'c/sub/new', 'c/y']);
});

test('what was committed into a folder after another device renamed it goes along', () => {
  const model = perturbed(
    [
      { do: 'write', path: 'a/y', content: 'blue' },
      { do: 'write', path: 'a/late', content: 'green' },
    ],
    [],
    [{ do: 'move', path: 'a', to: 'c' }],
  );
  const { moved_from, ...late } = model.remote.get('c/late')!;
  model.remote.delete('c/late');
  model.remote.set('a/late', { ...late, version: model.synced.get('a/late')!.version });
  settle(model);
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['c', 'c/late', 'c/y']);
});

test('a folder that both sides made in one that is renamed here is one folder, and leaves no empty one behind', () => {
  const model = perturbed(
    [{ do: 'write', path: 'a/y', content: 'blue' }],
    [
      { do: 'write', path: 'a/n/mine', content: 'red' },
      { do: 'move', path: 'a', to: 'c' },
    ],
    [{ do: 'write', path: 'a/n/yours', content: 'white' }],
  );
  settle(model);
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['c', 'c/n', 'c/n/mine', 'c/n/yours', 'c/y']);
});

test('an empty folder that its user made stays, whatever leaves the folders around it', () => {
  const model = perturbed(
    [{ do: 'write', path: 'a/y', content: 'blue' }],
    [{ do: 'mkdir', path: 'a/mine' }],
    [{ do: 'move', path: 'a', to: 'c' }],
  );
  settle(model);
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['c', 'c/mine', 'c/y']);
});

test('a folder that comes back for what is in it goes with the last of that', () => {
  const model = perturbed(
    [{ do: 'write', path: 'a/y', content: 'blue' }],
    [{ do: 'write', path: 'a/new', content: 'green' }],
    [{ do: 'delete', path: 'a' }],
  );
  settle(model);
  expect([...model.remote.keys()].sort()).toEqual(['a', 'a/new']);
  applyEdit(model, 'remote', { do: 'delete', path: 'a/new' });
  settle(model);
  expectEqualSides(model);
  expect([...model.local.keys()]).toEqual([]);
});

test('a folder that was renamed elsewhere is renamed once, and keeps what users do in it meanwhile', () => {
  const model = perturbed(
    [
      { do: 'write', path: 'a/y', content: 'blue' },
      { do: 'write', path: 'a/gone', content: 'grey' },
      { do: 'write', path: 'a/s/x', content: 'red' },
    ],
    [
      { do: 'write', path: 'a/new', content: 'green' },
      { do: 'move', path: 'a/s', to: 'a/t' },
    ],
    [
      { do: 'move', path: 'a', to: 'c' },
      { do: 'delete', path: 'c/gone' },
      { do: 'write', path: 'c/y', content: 'white' },
    ],
  );
  const first = plan(model, options(model)).filter(({ do: what }) => what !== 'forget');
  expect(first).toMatchObject([{ do: 'moveLocal', from: 'a', to: 'c' }]);
  const rest = settle(model);
  expect(rest.filter(({ do: what }) => what === 'moveRemote')).toMatchObject([{ to: 'c/t' }, { to: 'c/t/x' }]);
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['c', 'c/new', 'c/t', 'c/t/x', 'c/y']);
});

test('a rename of a folder that was followed, but not written down, is agreed on without a transfer', () => {
  const base = [{ do: 'write', path: 'a/s/x', content: 'red' }] as const;
  const renamed = [{ do: 'move', path: 'a', to: 'c' }] as const;
  const model = perturbed(base, renamed, renamed);
  expect(new Set(settle(model).map(({ do: what }) => what))).toEqual(new Set(['adopt', 'forget']));
  expectEqualSides(model);
});

test('a folder whose name was refused goes with all that is in it when another device gives that another folder', () => {
  const model = perturbed(
    [
      { do: 'write', path: 'a/s/x', content: 'red' },
      { do: 'write', path: 'a/y', content: 'blue' },
    ],
    [],
    [{ do: 'move', path: 'a', to: 'c' }],
  );
  model.synced.delete('a');
  settle(model);
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['c', 'c/s', 'c/s/x', 'c/y']);
});

test('a folder that cannot get its new name together with what is not synced in it follows file by file', () => {
  const model = perturbed([{ do: 'write', path: 'a/s/x', content: 'red' }], [], [{ do: 'move', path: 'a', to: 'c' }]);
  for (const limit of [
    { goesAlong: () => false },
    { unmovable: new Set(['a', 'a/s']) },
    { blocked: (path: string) => path === 'c/s/x' },
  ]) {
    const moves = plan(model, { ...options(model), ...limit }).filter(({ do: what }) => what === 'moveLocal');
    expect(moves.filter((move) => 'from' in move && model.local.get(move.from)?.kind === 'directory')).toEqual([]);
  }
});

test('what another device renamed in a folder that is renamed here is followed there', () => {
  const model = perturbed(
    [
      { do: 'write', path: 'a/s/x', content: 'red' },
      { do: 'write', path: 'a/y', content: 'blue' },
    ],
    [{ do: 'move', path: 'a', to: 'c' }],
    [{ do: 'move', path: 'a/s', to: 'a/t' }],
  );
  applyEdit(model, 'local', { do: 'write', path: 'c/s/x', content: 'green' });
  rebaseAll(model);
  settle(model);
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['c', 'c/t', 'c/t/x', 'c/y']);
});

test('what another device renamed in a folder is followed there though the folder is renamed here again before it could be', () => {
  const model = perturbed(
    [
      { do: 'write', path: 'a/sub/x', content: 'red' },
      { do: 'write', path: 'a/y', content: 'blue' },
    ],
    [{ do: 'move', path: 'a', to: 'b' }],
    [
      { do: 'move', path: 'a/sub', to: 'a/other' },
      { do: 'move', path: 'a/y', to: 'a/z' },
    ],
  );
  rebaseAll(model);
  applyEdit(model, 'local', { do: 'move', path: 'b', to: 'c' });
  rebaseAll(model);
  settle(model);
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['c', 'c/other', 'c/other/x', 'c/z']);
});

test('what was agreed on is kept while the file may turn up under another name', () => {
  const gone = [{ do: 'delete', path: 'a/b' }] as const;
  const model = perturbed([{ do: 'write', path: 'a/b', content: 'red' }], gone, gone);
  const forgets = (unsettled: boolean) =>
    plan(model, { ...options(model), unsettled: () => unsettled }).filter(({ do: what }) => what === 'forget');
  expect([forgets(true), forgets(false)]).toEqual([[], [{ do: 'forget', path: 'a/b' }]]);
});

test('nothing is made again, or arrives, in a folder that may turn up under another name', () => {
  const model = perturbed(
    [
      { do: 'write', path: 'a/s/x', content: 'red' },
      { do: 'write', path: 'b/y', content: 'blue' },
    ],
    [],
    [
      { do: 'move', path: 'a/s', to: 'a/t' },
      { do: 'move', path: 'b/y', to: 'a/y' },
    ],
  );
  const seen = [...model.local].filter(([path]) => path === 'a' || path.startsWith('a/'));
  for (const [path] of seen) model.local.delete(path);
  const unsettled = (path: string): boolean => seen.some(([missing]) => missing === path);
  expect(plan(model, { ...options(model), unsettled })).toEqual([]);
  for (const [path, entry] of seen) model.local.set(path.replace('a', 'c'), entry);
  rebaseAll(model);
  settle(model);
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['b', 'c', 'c/t', 'c/t/x', 'c/y']);
});

test('a folder is renamed once all that is in it was seen under the new name', () => {
  const model = perturbed(
    [
      { do: 'write', path: 'a/s/x', content: 'red' },
      { do: 'write', path: 'a/y', content: 'blue' },
    ],
    [{ do: 'move', path: 'a', to: 'c' }],
    [],
  );
  const late = [...model.local].filter(([path]) => path.startsWith('c/s'));
  const planHalf = () => {
    for (const [path] of late) model.local.delete(path);
    const half = plan(model, { ...options(model), unsettled: (path) => path.startsWith('a') });
    for (const [path, entry] of late) model.local.set(path, entry);
    return half;
  };
  expect(planHalf()).toEqual([]);
  applyEdit(model, 'remote', { do: 'move', path: 'a/s', to: 'a/t' });
  expect(planHalf()).toEqual([]);
  rebaseAll(model);
  expect(new Set(settle(model).map(({ do: what }) => what))).toEqual(new Set(['moveRemote', 'moveLocal']));
  expectEqualSides(model);
  expect([...model.local.keys()].sort()).toEqual(['c', 'c/t', 'c/t/x', 'c/y']);
});

/** What comes before a plan. */
function rebaseAll(model: Model): void {
  const state = {
    set: (tree: 'local' | 'remote' | 'synced', path: string, entry: unknown) =>
      void model[tree].set(path, entry as never),
    remove: (tree: 'local' | 'remote' | 'synced', path: string) => void model[tree].delete(path),
  };
  rebase(state, model, [...model.local.keys(), ...model.synced.keys()]);
}
