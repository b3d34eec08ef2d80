import { expect, test } from 'vitest';
import { Transfer } from '../../client/engine/transfer.ts';
import type { RemoteEntry, Trees } from '../../client/plan/tree.ts';

const file: RemoteEntry = { kind: 'file', size: 0, mode: 0o644, mtime_ms: 0, blocks: [], version: 1 };
const step = { do: 'download', path: 'a' } as const;

function trees(remote: RemoteEntry | undefined): Trees {
  return { local: new Map(), synced: new Map(), remote: new Map(remote && [['a', remote]]) };
}

test('what waits takes what is there by then, if that travels the same way', () => {
  const transfer = new Transfer(step, file);
  const edited = { ...file, version: 2, mode: 0o600 };
  expect(transfer.serves(step, trees(edited))).toBe(true);
  expect(transfer.begin(trees(edited))).toBe(edited);
  for (const another of [{ ...file, kind: 'directory' } as const, { ...file, size: 1 }, undefined])
    expect(new Transfer(step, file).serves(step, trees(another))).toBe(false);
  expect(new Transfer(step, file).begin(trees({ ...file, kind: 'directory' })), 'as an empty file').toBeUndefined();
});

test('what was begun serves the content that it took, and no other version', () => {
  const transfer = new Transfer(step, file);
  transfer.begin(trees(file));
  expect(transfer.serves(step, trees({ ...file }))).toBe(true);
  expect(transfer.serves(step, trees({ ...file, version: 2 }))).toBe(false);
  expect(transfer.serves({ do: 'deleteLocal', path: 'a' }, trees(file))).toBe(false);
});
