import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { setAside } from '../../bench/sync/tools/set-aside.ts';
import { scratch } from '../support/scratch.ts';

test('files of a measurement that is over are emptied and stay, but for those that others have, too', async () => {
  const folder = await empty();
  const [over, others] = [join(folder, 'over'), join(folder, 'others')];
  mkdirSync(join(over, 'inner'), { recursive: true });
  mkdirSync(others);
  for (const path of [join(over, 'a'), join(over, 'inner', 'b'), join(others, 'linked'), join(others, 'pointed at')])
    writeFileSync(path, 'content');
  linkSync(join(others, 'linked'), join(over, 'linked'));
  symlinkSync(join(others, 'pointed at'), join(over, 'pointer'));

  await setAside(over);

  expect(readdirSync(over).sort()).toEqual(['a', 'inner', 'linked', 'pointer']);
  for (const path of ['a', join('inner', 'b')]) expect(statSync(join(over, path)).size).toBe(0);
  for (const path of ['linked', 'pointed at']) expect(readFileSync(join(others, path), 'utf8')).toBe('content');
});

test('a folder that is gone has nothing to be emptied', async () => {
  await setAside(join(await empty(), 'gone'));
});

async function empty(): Promise<string> {
  const folder = await scratch('tidemark-aside-');
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
