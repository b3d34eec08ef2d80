import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { diskPath } from '../../../client/disk/paths.ts';
import { writeFetched } from '../../../client/steps/write-fetched.ts';
import { blockOf, openFolder, type StepFolder } from './open-folder.ts';

const zeros = '\0'.repeat(200_000);
const never = new AbortController().signal;

/** A file on the disk that is known to have these blocks. */
async function agreedOn({ sync, agreed, text }: StepFolder, blocks: readonly string[]): Promise<void> {
  await agreed({ a: blocks.join('') });
  const entry = sync.state.trees.local.get('a')!;
  sync.state.set('local', 'a', { ...entry, blocks: await Promise.all(blocks.map(blockOf)) });
  expect(await text('a')).toBe(blocks.join(''));
}

/** Writes a new version; answers what lies beside the place, and the numbers of the blocks that were asked for. */
async function write({ sync }: StepFolder, contents: readonly string[]): Promise<{ text: string; asked: number[] }> {
  const { state, root } = sync;
  const blocks = await Promise.all(contents.map(blockOf));
  const size = contents.join('').length;
  const remote = { kind: 'file' as const, size, mode: 0o644, mtime_ms: 1_700_000_000_000, version: 2, blocks };
  const place = diskPath(root, 'a');
  const target = { place, folderId: state.folderId, mode: 0o644, mtime_ms: remote.mtime_ms, blocks };
  const asked: number[] = [];
  const source = {
    block: async (_: unknown, index: number) => {
      asked.push(index);
      return { bytes: Buffer.from(contents[index]!), received: 1 };
    },
  };
  const { beside, received } = await writeFetched(sync, { path: 'a', remote }, target, { source, signal: never });
  expect(received).toBeLessThanOrEqual(asked.length);
  return { text: await readFile(beside.temporary, 'utf8'), asked: asked.sort() };
}

describe('of a new version of which the old file has much where it belongs', () => {
  test.each([
    ['a block that changed', ['one', 'two', 'three'], ['one', 'TWO', 'three'], [1]],
    ['a block that was appended', ['one', 'two'], ['one', 'two', 'three'], [2]],
    ['nothing of what was cut off', ['one', 'two', 'three'], ['one', 'two'], []],
    [
      'a block that is zeros now',
      ['x'.repeat(200_000), 'two', 'three'.repeat(60_000)],
      [zeros, 'two', 'three'.repeat(60_000)],
      [0],
    ],
    ['what was inserted', ['one', 'two', 'three'], ['one', '!', 'two', 'three'], [1]],
    ['what was inserted at the start', ['one', 'two', 'three'], ['!', 'one', 'two', 'three'], [0]],
    ['nothing where blocks changed places', ['one', 'two', 'three'], ['three', 'one', 'two', 'one'], []],
    ['all of another content', ['one', 'two'], ['eins', 'zwei'], [0, 1]],
  ])('%s is written', async (_, old, now, written) => {
    const folder = await openFolder();
    await agreedOn(folder, old);
    expect(await write(folder, now), 'I16: a patched file').toEqual({ text: now.join(''), asked: written });
    expect(await folder.text('a'), 'I15: the old file').toBe(old.join(''));
  });

  test('nothing is taken that changed since it was looked at', async () => {
    const folder = await openFolder();
    await agreedOn(folder, ['one', 'two']);
    await appendFile(folder.on('a'), 'more');
    expect(await write(folder, ['one', 'TWO'])).toEqual({ text: 'oneTWO', asked: [0, 1] });
  });

  test.each([
    ['stays', ['one', 'TWO'], [0, 1, 1]],
    ['moves', ['!!!!', 'one', 'two'], [0, 0, 1, 2]],
  ])(
    'nothing is taken that changed without a trace, as what is mapped into memory may, and %s',
    async (_, now, all) => {
      const folder = await openFolder();
      await agreedOn(folder, ['one', 'two']);
      await writeFile(folder.on('a'), 'eintwo');
      const entry = folder.sync.state.trees.local.get('a')!;
      folder.sync.state.set('local', 'a', { ...entry, hint: await folder.hintAt('a') });
      const { text, asked } = await write(folder, now);
      expect(text, 'I16: a file that changed without a trace').toBe(now.join(''));
      expect(asked).toEqual(all);
      expect((await readdir(folder.sync.root)).length, 'nothing else is left').toBe(3);
    },
  );
});
