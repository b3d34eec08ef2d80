import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plan } from '../../client/plan/plan.ts';
import { same } from '../../client/plan/tree.ts';
import { limits } from '../../protocol/limits.ts';
import { applyEdit, edits } from './edits.ts';
import { file, Model } from './model.ts';
import { contents, expectEqualSides, options, perturbed, settle, written } from './settle.ts';

describe('one tree, changed on both sides at random', () => {
  test('both sides become equal, and a second sync has nothing to do', () => {
    fc.assert(
      fc.property(edits, edits, edits, (base, here, there) => {
        const model = perturbed(base, here, there);
        settle(model);
        expectEqualSides(model);
      }),
      { numRuns: 3000 },
    );
  });

  test('no content that a user wrote is lost', () => {
    fc.assert(
      fc.property(edits, edits, edits, (base, here, there) => {
        const model = perturbed(base, here, there);
        const kept = [...written(model, 'local'), ...written(model, 'remote')];
        settle(model);
        const found = contents(model.local);
        for (const hash of kept) expect(found, `content ${hash}`).toContain(hash);
      }),
      { numRuns: 3000 },
    );
  });

  test('a plan cut off anywhere is continued by the next one', () => {
    fc.assert(
      fc.property(edits, edits, edits, (base, here, there) => {
        const model = perturbed(base, here, there);
        for (let round = 0; round < 60; round++) settleOne(model);
        settle(model);
        expectEqualSides(model);
      }),
      { numRuns: 1000 },
    );
  });

  test('changes on one side only arrive as they are, without a conflict copy', () => {
    fc.assert(
      fc.property(edits, edits, fc.constantFrom('local' as const, 'remote' as const), (base, changes, side) => {
        const model = perturbed(base, side === 'local' ? changes : [], side === 'remote' ? changes : []);
        const expected = [...model[side]].map(([at, { kind, mode, blocks }]) => ({ at, kind, mode, blocks }));
        const operations = settle(model);
        expect(operations.filter(({ do: what }) => what === 'setAside')).toEqual([]);
        const other = side === 'local' ? model.remote : model.local;
        expect([...other].map(([at, { kind, mode, blocks }]) => ({ at, kind, mode, blocks })).sort(byPath)).toEqual(
          expected.sort(byPath),
        );
      }),
      { numRuns: 3000 },
    );
  });

  test('planning the changed paths only finds the same operations as planning all', () => {
    fc.assert(
      fc.property(edits, edits, edits, (base, here, there) => {
        const model = perturbed(base, here, there);
        const all = plan(model, options(model));
        const paths = new Set([...model.local.keys(), ...model.remote.keys(), ...model.synced.keys()]);
        const changed = [...paths].filter(
          (at) =>
            !same(model.local.get(at), model.synced.get(at)) ||
            model.remote.get(at)?.version !== model.synced.get(at)?.version,
        );
        expect(plan(model, options(model, changed))).toEqual(all);
      }),
    );
  });
});

function settleOne(model: Model): void {
  const [first] = plan(model, options(model));
  if (first) model.apply(first);
}

function byPath(one: { at: string }, other: { at: string }): number {
  return one.at < other.at ? -1 : 1;
}

describe('single cases', () => {
  const start = (...paths: string[]): Model => {
    const model = new Model();
    for (const at of paths) applyEdit(model, 'local', { do: 'write', path: at, content: at });
    settle(model);
    return model;
  };
  const steps = (model: Model): string[] => plan(model, options(model)).map(({ do: what }) => what);

  test('a renamed folder is moves only', () => {
    const model = start('a/b', 'a/c');
    applyEdit(model, 'local', { do: 'move', path: 'a', to: 'z' });
    expect(plan(model, options(model))).toMatchObject([
      { do: 'moveRemote', from: 'a', to: 'z' },
      { do: 'moveRemote', from: 'a/b', to: 'z/b' },
      { do: 'moveRemote', from: 'a/c', to: 'z/c' },
    ]);
  });

  test('a rename on another device is followed without a download', () => {
    const model = start('a/b');
    applyEdit(model, 'remote', { do: 'move', path: 'a/b', to: 'a/c' });
    expect(plan(model, options(model))).toEqual([{ do: 'moveLocal', from: 'a/b', to: 'a/c' }]);
  });

  test('an edit made here goes along with a rename made elsewhere', () => {
    const model = start('a/b');
    applyEdit(model, 'local', { do: 'write', path: 'a/b', content: 'edited' });
    applyEdit(model, 'remote', { do: 'move', path: 'a/b', to: 'a/c' });
    settle(model);
    expect(model.remote.get('a/c')).toMatchObject(file('edited'));
    expect(model.remote.has('a/b')).toBe(false);
  });

  test('the same edit on both sides is no conflict', () => {
    const model = start('a');
    for (const side of ['local', 'remote'] as const) applyEdit(model, side, { do: 'write', path: 'a', content: 'x' });
    expect(steps(model)).toEqual(['adopt']);
  });

  test('two edits: the service keeps the name, this device keeps a copy', () => {
    const model = start('a.txt');
    applyEdit(model, 'local', { do: 'write', path: 'a.txt', content: 'mine' });
    applyEdit(model, 'remote', { do: 'write', path: 'a.txt', content: 'theirs' });
    settle(model);
    expect(model.local.get('a.txt')).toMatchObject(file('theirs'));
    expect(model.local.get('a (conflicted copy, desk, 2026-01-31).txt')).toMatchObject(file('mine'));
  });

  test('a copy that was set aside is no rename, also where nobody wrote down that it was', () => {
    const model = start('a.txt');
    const copy = 'a (conflicted copy, desk, 2026-01-31).txt';
    applyEdit(model, 'local', { do: 'write', path: 'a.txt', content: 'mine' });
    applyEdit(model, 'remote', { do: 'write', path: 'a.txt', content: 'theirs' });
    applyEdit(model, 'local', { do: 'move', path: 'a.txt', to: copy });
    settle(model);
    for (const side of [model.local, model.remote]) {
      expect([...side.keys()].sort(), 'I15: the name that both sides had').toEqual([copy, 'a.txt']);
      expect(side.get('a.txt')).toMatchObject(file('theirs'));
      expect(side.get(copy)).toMatchObject(file('mine'));
    }
  });

  test('an edit wins over a deletion, whichever side made it', () => {
    for (const [editor, deleter] of [
      ['local', 'remote'],
      ['remote', 'local'],
    ] as const) {
      const model = start('a');
      applyEdit(model, editor, { do: 'write', path: 'a', content: 'edited' });
      applyEdit(model, deleter, { do: 'delete', path: 'a' });
      settle(model);
      expect(model.local.get('a'), editor).toMatchObject(file('edited'));
    }
  });

  test('a deleted folder stays while the other side put something into it', () => {
    const model = start('a/b');
    applyEdit(model, 'local', { do: 'delete', path: 'a' });
    applyEdit(model, 'remote', { do: 'write', path: 'a/new', content: 'new' });
    settle(model);
    expect([...model.local.keys()].sort()).toEqual(['a', 'a/new']);
  });

  test('a file that became a folder', () => {
    const model = start('a');
    applyEdit(model, 'local', { do: 'delete', path: 'a' });
    applyEdit(model, 'local', { do: 'write', path: 'a/b', content: 'inside' });
    settle(model);
    expect([...model.remote.keys()].sort()).toEqual(['a', 'a/b']);
  });

  test('a folder that only stayed for an ignored file comes back with a new one', () => {
    const model = start('a/b');
    applyEdit(model, 'remote', { do: 'delete', path: 'a' });
    model.local.delete('a/b');
    model.local.set('a', { ...model.local.get('a')!, leftover: true });
    model.synced.clear();
    expect(steps(model)).toEqual([]);
    applyEdit(model, 'local', { do: 'write', path: 'a/new', content: 'new' });
    expect(plan(model, options(model, ['a/new']))).toMatchObject([
      { do: 'upload', path: 'a' },
      { do: 'upload', path: 'a/new' },
    ]);
  });

  test('permissions and content that changed on different sides come together', () => {
    for (const [editor, other] of [
      ['local', 'remote'],
      ['remote', 'local'],
    ] as const) {
      const model = start('a');
      applyEdit(model, editor, { do: 'write', path: 'a', content: 'edited' });
      applyEdit(model, other, { do: 'chmod', path: 'a', mode: 0o755 });
      expect(settle(model).filter(({ do: what }) => what === 'setAside')).toEqual([]);
      expectEqualSides(model);
      expect(model.local.get('a'), editor).toMatchObject(file('edited', 0o755));
    }
  });

  test('of two permissions others keep what both grant', () => {
    const model = start('a');
    applyEdit(model, 'local', { do: 'chmod', path: 'a', mode: 0o600 });
    applyEdit(model, 'remote', { do: 'chmod', path: 'a', mode: 0o755 });
    settle(model);
    expectEqualSides(model);
    expect(model.local.get('a')!.mode).toBe(0o700);
  });

  test('what a rule left out since is never deleted, on either side, and its edits are found', () => {
    const model = start('gone-here', 'gone-there', 'edited', 'renamed');
    for (const [at, base] of model.synced) model.synced.set(at, { ...base, lapsed: true });
    applyEdit(model, 'local', { do: 'delete', path: 'gone-here' });
    applyEdit(model, 'remote', { do: 'delete', path: 'gone-there' });
    applyEdit(model, 'local', { do: 'write', path: 'edited', content: 'new' });
    applyEdit(model, 'local', { do: 'move', path: 'renamed', to: 'other' });
    const operations = settle(model).map(({ do: what }) => what);
    expect(operations.filter((what) => what.startsWith('delete') || what === 'setAside')).toEqual([]);
    expect([...model.remote.keys()].sort()).toEqual(['edited', 'gone-here', 'gone-there', 'other']);
    expect(model.remote.get('edited')).toMatchObject(file('new'));
    expect([...model.synced.values()].some(({ lapsed }) => lapsed)).toBe(false);
  });

  test('a directory with more than one call can hold is made anew, and goes when it is empty', () => {
    const model = start(...Array.from({ length: limits.movesPerCall + 1 }, (_, index) => `a/sub/${index}`));
    applyEdit(model, 'local', { do: 'move', path: 'a/sub/0', to: 'apart' });
    applyEdit(model, 'local', { do: 'move', path: 'a', to: 'z' });
    const ends = plan(model, options(model)).map((operation) => [
      operation.do,
      'from' in operation ? operation.from : operation.path,
    ]);
    expect(ends.filter(([, path]) => ['a', 'a/sub', 'z', 'z/sub'].includes(path!))).toEqual([
      ['upload', 'z'],
      ['upload', 'z/sub'],
      ['deleteRemote', 'a/sub'],
      ['deleteRemote', 'a'],
    ]);
  });

  test('a directory with as much as one item can stand for moves in one', () => {
    const model = start(...Array.from({ length: limits.entriesPerFolder - 2 }, (_, index) => `a/sub/${index}`));
    applyEdit(model, 'local', { do: 'move', path: 'a', to: 'z' });
    const moves = plan(model, options(model)).filter(({ do: what }) => what === 'moveRemote');
    expect(moves).toHaveLength(limits.entriesPerFolder);
  });

  test('what is renamed here and saved elsewhere is one file under the new name', () => {
    const model = start('old/a', 'old/b');
    applyEdit(model, 'local', { do: 'move', path: 'old', to: 'new' });
    applyEdit(model, 'remote', { do: 'write', path: 'old/a', content: 'saved' });
    settle(model);
    expectEqualSides(model);
    expect([...model.local.keys()].sort()).toEqual(['new', 'new/a', 'new/b']);
    expect(model.local.get('new/a')).toMatchObject(file('saved'));
  });

  test('a deletion waits while the file may turn up under another name, and so do those around it', () => {
    const model = start('a/b/c', 'a/d', 'e');
    for (const at of ['a', 'e']) applyEdit(model, 'local', { do: 'delete', path: at });
    const unsettled = (at: string): boolean => at === 'a/b/c';
    expect(plan(model, { ...options(model), unsettled })).toMatchObject([
      { do: 'deleteRemote', path: 'e' },
      { do: 'deleteRemote', path: 'a/d' },
    ]);
  });

  test('a deleted folder goes though folders in it stay for what is not synced, at any depth', () => {
    const model = start('a/b/c/d');
    applyEdit(model, 'remote', { do: 'delete', path: 'a' });
    model.local.delete('a/b/c/d');
    for (const at of ['a/b/c', 'a/b']) model.local.set(at, { ...model.local.get(at)!, leftover: true });
    model.synced.clear();
    expect(steps(model)).toEqual(['upload']);
    model.synced.set('a', { ...model.local.get('a')!, version: 1 });
    expect(plan(model, options(model))).toEqual([{ do: 'deleteLocal', path: 'a' }]);
  });

  test('a folder deleted here stays elsewhere for what rules leave out, and is not made again', () => {
    const model = start('a/left/out', 'a/b');
    applyEdit(model, 'local', { do: 'delete', path: 'a' });
    const blocked = (at: string): boolean => at.startsWith('a/left');
    expect(plan(model, { ...options(model), blocked })).toMatchObject([{ do: 'deleteRemote', path: 'a/b' }]);
  });

  test('what is ignored is neither deleted nor sent', () => {
    const model = start('a', 'b');
    model.local.delete('a');
    applyEdit(model, 'remote', { do: 'write', path: 'c', content: 'c' });
    const blocked = (at: string): boolean => at === 'a' || at === 'c';
    expect(plan(model, { ...options(model), blocked })).toEqual([]);
  });
});
