import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { type FileHandle, lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { BlockCache } from '../../client/disk/block-cache.ts';
import { demandParents, diskPath, makeParents } from '../../client/disk/paths.ts';
import { attributesOf, DiskChanged, hintOf } from '../../client/disk/stamps.ts';
import { writeSparsely } from '../../client/disk/write-file.ts';
import { sha256, toHex } from '../../codec/index.ts';
import { replaceWith, temporaryFolder } from './folder.ts';

const run = promisify(execFile);

describe('paths from the service', () => {
  test.each(['../a', 'a/../../b', '/etc/passwd', 'a//b', './a', 'a/.', 'a\\b', 'a\0b', ''])('%j is refused', (path) => {
    expect(() => diskPath('/root', path)).toThrow(/^refused: the path/);
  });

  test.each(['CON', 'a/aux.txt', 'com1', 'x:ads', 'name.', 'name ', 'what?'])(
    '%j is refused on Windows only',
    (path) => {
      expect(() => diskPath('/root', path, 'win32')).toThrow('a name that Windows cannot take');
      expect(diskPath('/root', path, 'linux')).toBe(`/root/${path}`);
    },
  );

  test('nothing is reached through a symbolic link', async () => {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    await symlink(outside, join(root, 'link'));
    await expect(makeParents(root, 'link/a')).rejects.toThrow('link is a symbolic link');
    await expect(makeParents(root, 'link/b/c')).rejects.toThrow('link is a symbolic link');
    expect(await readdir(outside)).toEqual([]);
  });

  test('nor through one that took the place of a directory further above and leads to what that was', async () => {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    await makeParents(root, 'a/b/c/file');
    expect(demandParents(root, 'a/b/c/file')).toBe(true);
    await rename(join(root, 'a'), join(outside, 'a'));
    await symlink(join(outside, 'a'), join(root, 'a'));
    expect(() => demandParents(root, 'a/b/c/file'), 'I15: a/b/c is the same directory').toThrow('a is a symbolic link');
  });

  test('missing parents are made only on demand', async () => {
    const root = await temporaryFolder();
    expect(demandParents(root, 'a/b/c')).toBe(false);
    expect(await makeParents(root, 'a/b/c')).toEqual(['a', 'a/b']);
    expect((await lstat(join(root, 'a/b'))).isDirectory()).toBe(true);
  });
});

describe('writing a file', () => {
  const attributes = { folderId: randomUUID(), mode: 0o640, mtime_ms: 1_700_000_000_123 };
  const holding = async (text: string) => ({
    ...attributes,
    blocks: [{ hash: toHex(await sha256(Buffer.from(text))), size: text.length }],
  });

  test('where content is nothing but zeros the disk keeps a hole', async () => {
    const place = join(await temporaryFolder(), 'image');
    const content = Buffer.alloc(3_000_000);
    content.fill('x', 1_000_000, 1_000_100);
    content.fill('y', 2_999_999);
    const target = { ...attributes, place, expected: undefined };
    const blocks = [{ hash: toHex(await sha256(content)), size: content.length }];
    await replaceWith({ ...target, blocks }, (file) => writeSparsely(file, content, 0));
    expect((await readFile(place)).equals(content)).toBe(true);
    expect((await stat(place)).blocks * 512).toBeLessThan(500_000);
  });

  test('content, mode and time arrive together, and nothing is left beside', async () => {
    const root = await temporaryFolder();
    const place = join(root, 'a');
    const { hint } = await replaceWith({ place, expected: undefined, ...(await holding('hello')) }, (file) =>
      writeSparsely(file, Buffer.from('hello'), 0),
    );
    const stats = await stat(place);
    expect(await readFile(place, 'utf8')).toBe('hello');
    expect(stats.mode & 0o777).toBe(0o640);
    expect(Math.floor(stats.mtimeMs)).toBe(attributes.mtime_ms);
    expect(hint).toBe(hintOf(await lstat(place, { bigint: true })));
    expect(await readdir(root)).toEqual(['a']);
  });

  test('a failure leaves the old file and nothing else', async () => {
    const root = await temporaryFolder();
    const place = join(root, 'a');
    await writeFile(place, 'old');
    const expected = hintOf(await lstat(place, { bigint: true }));
    const failing = replaceWith({ place, expected, ...(await holding('new')) }, async () => {
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
    expect(await readFile(place, 'utf8')).toBe('old');
    expect(await readdir(root)).toEqual(['a']);
  });

  test.each([
    ['zeros where a block was to be', (file: FileHandle) => file.truncate(3)],
    ['less', (file: FileHandle) => writeSparsely(file, Buffer.from('ne'), 0)],
    ['more', (file: FileHandle) => writeSparsely(file, Buffer.from('newer'), 0)],
  ])('what holds %s does not take the place of the old file', async (_, fill) => {
    const root = await temporaryFolder();
    const place = join(root, 'a');
    await writeFile(place, 'old');
    const expected = hintOf(await lstat(place, { bigint: true }));
    const write = replaceWith({ place, expected, ...(await holding('new')) }, fill);
    await expect(write).rejects.toThrow('the disk did not keep what was written to it');
    expect(await readFile(place, 'utf8')).toBe('old');
    expect(await readdir(root)).toEqual(['a']);
  });

  test('times before 1970 and far from today arrive', async () => {
    const root = await temporaryFolder();
    for (const mtime_ms of [-1_000_000_000_000, 0, 4_000_000_000_000]) {
      const place = join(root, String(mtime_ms));
      const target = { place, expected: undefined, ...(await holding('x')), mtime_ms };
      await replaceWith(target, (file) => writeSparsely(file, Buffer.from('x'), 0));
      expect(Math.floor((await stat(place)).mtimeMs)).toBe(mtime_ms);
    }
  });

  test('a time is the whole millisecond that it is in, however close the next', async () => {
    const root = await temporaryFolder();
    for (const seconds of ['1764567016.000999999', '1764567016.000000000', '-1764567016.000000001']) {
      const [from, to] = [join(root, `from ${seconds}`), join(root, `to ${seconds}`)];
      await run('touch', ['-d', `@${seconds}`, from]);
      const { mtimeNs } = await lstat(from, { bigint: true });
      const { mtime_ms } = attributesOf(await lstat(from, { bigint: true }));
      await replaceWith({ ...attributes, mtime_ms, place: to, expected: undefined, blocks: [] }, async () => undefined);
      const arrived = await lstat(to, { bigint: true });
      expect(attributesOf(arrived).mtime_ms).toBe(mtime_ms);
      const late = mtimeNs - BigInt(mtime_ms) * 1_000_000n;
      expect([late >= 0n, late < 1_000_000n]).toEqual([true, true]);
    }
  });

  test('a file that appeared or changed meanwhile is not replaced', async () => {
    const root = await temporaryFolder();
    const place = join(root, 'a');
    const target = { place, ...(await holding('new')) };
    const write = (expected: string | undefined): Promise<unknown> =>
      replaceWith({ ...target, expected }, async (file) => {
        await writeFile(place, 'the user was here');
        await writeSparsely(file, Buffer.from('new'), 0);
      });
    await expect(write(undefined)).rejects.toThrow(DiskChanged);
    const expected = hintOf(await lstat(place, { bigint: true }));
    await expect(write(expected)).rejects.toThrow(DiskChanged);
    expect(await readFile(place, 'utf8')).toBe('the user was here');
  });

  test('a symbolic link at the target is not written through', async () => {
    const root = await temporaryFolder();
    const outside = join(await temporaryFolder(), 'victim');
    await writeFile(outside, 'safe');
    await symlink(outside, join(root, 'a'));
    const target = { place: join(root, 'a'), expected: undefined, ...(await holding('evil')) };
    const write = replaceWith(target, (file) => writeSparsely(file, Buffer.from('evil'), 0));
    await expect(write).rejects.toThrow(DiskChanged);
    expect(await readFile(outside, 'utf8')).toBe('safe');
  });
});

describe('the block cache', () => {
  const block = async (fill: number, size = 8192) => {
    const bytes = Buffer.alloc(size, fill);
    return { bytes, hash: toHex(await sha256(bytes)) };
  };

  test('drops the least recently used beyond its capacity, and survives a restart', async () => {
    const root = await temporaryFolder();
    const [one, two, three] = [await block(1), await block(2), await block(3)];
    const cache = new BlockCache(root, 20_000);
    await cache.open();
    await cache.put(one.hash, one.bytes);
    await cache.put(two.hash, two.bytes);
    expect(await cache.get(one.hash)).toEqual(one.bytes);
    await cache.put(three.hash, three.bytes);
    expect([cache.has(one.hash), cache.has(two.hash), cache.has(three.hash)]).toEqual([true, false, true]);
    const again = new BlockCache(root, 20_000);
    await again.open();
    expect(await again.get(three.hash)).toEqual(three.bytes);
  });

  test('drops what an edit replaced before what the file still has, also after a restart', async () => {
    const root = await temporaryFolder();
    const [start, middle, edited, again] = [await block(1), await block(2), await block(3), await block(4)];
    const open = async () => {
      const cache = new BlockCache(root, 20_000);
      await cache.open();
      return cache;
    };
    const blocksOf = (...all: (typeof start)[]) => all.map(({ hash, bytes }) => ({ hash, size: bytes.length }));
    const cache = await open();
    for (const each of [start, middle]) await cache.put(each.hash, each.bytes);
    expect(cache.placeOf(middle.hash), 'what the edit is a delta from').toBeDefined();
    await cache.edited(blocksOf(start, middle), blocksOf(start, edited));
    await cache.put(edited.hash, edited.bytes);
    expect([start, middle, edited].map(({ hash }) => cache.has(hash))).toEqual([true, false, true]);

    await cache.edited(blocksOf(start, edited), blocksOf(start, again));
    const later = await open();
    await later.put(again.hash, again.bytes);
    expect([start, edited, again].map(({ hash }) => later.has(hash))).toEqual([true, false, true]);
  });

  test('keeps what an edit replaced once it is used again', async () => {
    const cache = new BlockCache(await temporaryFolder(), 20_000);
    await cache.open();
    const [one, two, three] = [await block(1), await block(2), await block(3)];
    for (const each of [one, two]) await cache.put(each.hash, each.bytes);
    await cache.edited([{ hash: two.hash, size: two.bytes.length }], []);
    expect(await cache.get(two.hash)).toEqual(two.bytes);
    await cache.put(three.hash, three.bytes);
    expect([one, two, three].map(({ hash }) => cache.has(hash))).toEqual([false, true, true]);
  });

  test('gives way on a disk that is nearly full', async () => {
    const root = await temporaryFolder();
    let room = true;
    const cache = new BlockCache(root, 1e6, async () => room);
    await cache.open();
    const [one, two, three] = [await block(1), await block(2), await block(3)];
    for (const each of [one, two]) await cache.put(each.hash, each.bytes);
    room = false;
    await cache.put(three.hash, three.bytes);
    expect([one, two, three].map(({ hash }) => cache.has(hash))).toEqual([false, false, false]);
    expect(await readdir(join(root, '.tidemark/blocks'))).toEqual([]);
  });

  test('a disk that refuses everything costs the cache, and nothing else', async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, '.tidemark'), 'in the way');
    const cache = new BlockCache(root);
    await cache.open();
    const one = await block(1);
    await cache.put(one.hash, one.bytes);
    expect(await cache.get(one.hash)).toBeUndefined();
  });

  test('never hands out a damaged block', async () => {
    const root = await temporaryFolder();
    const one = await block(1);
    const cache = new BlockCache(root);
    await cache.open();
    await cache.put(one.hash, one.bytes);
    await writeFile(join(root, '.tidemark/blocks', one.hash), 'damaged');
    expect(await cache.get(one.hash)).toBeUndefined();
    expect(cache.has(one.hash)).toBe(false);
  });

  test('keeps a sketch in place of a block, also after a restart, and what an edit replaced goes first', async () => {
    const root = await temporaryFolder();
    const open = async () => {
      const cache = new BlockCache(root, 1000);
      await cache.open();
      return cache;
    };
    const cache = await open();
    const [one, two, three] = [await block(1), await block(2), await block(3)];
    for (const { hash, bytes } of [one, two]) await cache.putSketch(hash, bytes.length, Buffer.alloc(400));
    await cache.put(one.hash, one.bytes);
    expect([cache.has(one.hash), await cache.get(one.hash)], 'it is no block').toEqual([false, undefined]);
    await cache.edited([{ hash: two.hash, size: two.bytes.length }], []);

    const later = await open();
    await later.putSketch(three.hash, three.bytes.length, Buffer.alloc(400));
    const places = [one, two, three].map(({ hash }) => later.placeOf(hash));
    const sketch = expect.objectContaining({ offset: 0, size: one.bytes.length, isSketch: true });
    expect(places).toEqual([sketch, undefined, sketch]);
    expect((await stat(places[0]!.path)).size).toBe(400);
  });

  test('drops a sketch that is doubted, and no block that is whole', async () => {
    const cache = new BlockCache(await temporaryFolder());
    await cache.open();
    const [one, two] = [await block(1), await block(2)];
    await cache.putSketch(one.hash, one.bytes.length, Buffer.alloc(400));
    await cache.put(two.hash, two.bytes);
    for (const { hash } of [one, two]) await cache.doubt(hash);
    expect([cache.placeOf(one.hash), cache.has(two.hash)]).toEqual([undefined, true]);
  });

  test('does not keep small blocks', async () => {
    const root = await temporaryFolder();
    const small = await block(1, 100);
    const cache = new BlockCache(root);
    await mkdir(join(root, '.tidemark'), { recursive: true });
    await cache.open();
    await cache.put(small.hash, small.bytes);
    expect(cache.has(small.hash)).toBe(false);
  });
});
