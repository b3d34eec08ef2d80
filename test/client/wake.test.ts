import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Instruction, instruct, watchInstructions } from '../../client/engine/wake.ts';
import { until } from './account.ts';
import { temporaryFolder } from './folder.ts';

async function carriedOut(root: string): Promise<Instruction[]> {
  const done: Instruction[] = [];
  const watched = watchInstructions(root, { 'read-changes': () => done.push('read-changes') });
  onTestFinished(() => watched.close());
  return done;
}

test('an instruction is carried out by the process that syncs the folder, each time it is given', async () => {
  const root = await temporaryFolder();
  const done = await carriedOut(root);
  instruct(root, 'read-changes');
  await until('it is carried out', () => done.length > 0);
  const before = done.length;
  instruct(root, 'read-changes');
  await until('it is carried out again', () => done.length > before);
  expect(new Set(done)).toEqual(new Set(['read-changes']));
});

test('an instruction that this version does not know is none', async () => {
  const root = await temporaryFolder();
  const done = await carriedOut(root);
  for (const name of ['dance', 'toString']) await writeFile(join(root, '.tidemark/wake', name), '');
  expect(done).toEqual([]);
  instruct(root, 'read-changes');
  await until('the one that it knows is carried out', () => done.length > 0);
  expect(new Set(done)).toEqual(new Set(['read-changes']));
});

test('a folder that takes no instruction fails no command, and no sync', async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, '.tidemark'));
  await writeFile(join(root, '.tidemark/wake'), 'in the way');
  instruct(root, 'read-changes');
  expect(await carriedOut(root)).toEqual([]);
});
