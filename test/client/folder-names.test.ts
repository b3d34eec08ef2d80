import { expect, test } from 'vitest';
import { plan } from '../../client/plan/plan.ts';
import { applyEdit } from './edits.ts';
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
  expect([...model.local.keys()].sort()).toEqual(['a', 'a/mine', 'c', 'c/y']);
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
