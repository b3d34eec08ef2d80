import { type FileHandle, readFile, stat } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { replaceWith } from './folder.ts';
import { blockOf, openFolder } from './steps/open-folder.ts';

test('content is flushed before it takes its place, and its name after that', async () => {
  const { sync, on } = await openFolder();
  const place = on('a');
  const flushes: string[] = [];
  const there = (): Promise<string> => readFile(place, 'utf8').catch(() => 'nothing');
  const blocks = [await blockOf('new')];
  const { folderId } = sync.state;
  const target = { folderId, place, expected: undefined, mode: 0o644, mtime_ms: 0, blocks };
  await replaceWith(target, async (file) => {
    await file.write(Buffer.from('new'));
    const prototype = Object.getPrototypeOf(file) as FileHandle;
    const { sync: flush } = prototype;
    prototype.sync = async function (this: FileHandle) {
      flushes.push(`${(await this.stat()).isDirectory() ? 'directory' : 'file'}, ${await there()} in place`);
      await flush.call(this);
    };
    onTestFinished(() => {
      prototype.sync = flush;
    });
  });
  expect(flushes, 'I16: the order on disk').toEqual(['file, nothing in place', 'directory, new in place']);
  expect((await stat(place)).size).toBe(3);
});
