import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { download } from '../carry-out.ts';
import { located, serve } from '../cdn.ts';
import { openFolder, remoteFile } from './open-folder.ts';

describe('a download', () => {
  test('that arrives damaged replaces nothing', async () => {
    const { sync, text, agreed } = await openFolder(located(await serve('bad')));
    await agreed({ a: 'old' });
    sync.state.set('remote', 'a', await remoteFile('new', 2));
    await download(sync, ['a']);
    expect(await text('a'), 'I16: a block that is not what it is called').toBe('old');
    expect(sync.state.problems(), 'I16: what the user is told').toEqual([
      { path: 'a', message: expect.stringMatching(/damaged/) },
    ]);
    expect(await readdir(sync.root)).toEqual(['.tidemark', 'a']);
  });

  test('takes nothing from a file that changed since it was looked at', async () => {
    const { sync, on, text, agreed } = await openFolder(located(await serve('new')));
    await agreed({ a: 'old', b: 'new' });
    sync.state.set('remote', 'a', await remoteFile('new', 2));
    sync.state.set('remote', 'b', await remoteFile('newer', 2));
    await writeFile(on('b'), 'bad');
    await download(sync, ['a', 'b']);
    expect([await text('a'), sync.failures.countAt('a')], 'I16: a block of a file that changed').toEqual(['new', 0]);
  });

  test('is agreed on only when it is in place', async () => {
    const { sync, on, text, agreed } = await openFolder(located(await serve('new')));
    await agreed({ a: 'old' });
    sync.state.set('remote', 'a', await remoteFile('new', 2));
    await writeFile(on('a'), 'edited');
    await download(sync, ['a']);
    expect(await text('a'), 'I15: an edited file').toBe('edited');
    expect(sync.state.trees.synced.get('a')?.version, 'I14: a version that this disk does not have').toBe(1);
  });
});
