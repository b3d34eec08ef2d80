import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { Gate } from '../../../client/service/gate.ts';
import { newDownChannel } from '../../../client/steps/channels.ts';
import { BlockSource } from '../../../client/steps/fetch-blocks.ts';
import { encodeDelta } from '../../../codec/index.ts';
import { download } from '../carry-out.ts';
import { answerOf, located, serve, serveTls } from '../cdn.ts';
import { blockOf, openFolder, remoteFile } from './open-folder.ts';

/** A content as answers have it. */
const encodeWhole = (text: string): string =>
  Buffer.from(encodeDelta(new Uint8Array(0), Buffer.from(text))).toString('base64');

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

  test('asks for all blocks in one call, whatever the clock here says of the time of their URLs', async () => {
    const contents = new Map<string, string>();
    const base = await serveTls((request, response) => response.end(contents.get(request.url!)));
    let calls = 0;
    const { sync, text } = await openFolder({
      download: async ({ files }) => {
        calls++;
        const hashes = files.flatMap(({ lacks = [] }) => lacks);
        const urls = Object.fromEntries(hashes.map((hash) => [hash, `${base}${hash}`]));
        // By a clock that is a day ahead, all of them are over.
        return answerOf({ urls, urls_expire_at: Date.now() - 24 * 3_600_000 });
      },
    });
    const paths = ['a', 'b', 'c', 'd'];
    for (const path of paths) {
      contents.set(`/${(await blockOf(path)).hash}`, path);
      sync.state.set('remote', path, await remoteFile(path, 1));
    }
    await download(sync, paths);
    expect(await Promise.all(paths.map(text))).toEqual(paths);
    expect(calls).toBe(1);
  });

  test('asks once more for what came in no answer, beside what there was no room for, and no more', async () => {
    const [here, away] = await Promise.all(['here', 'away'].map(blockOf));
    const asked: string[][] = [];
    const { sync } = await openFolder({
      download: async ({ files }) => {
        const lacks = files.flatMap((file) => file.lacks ?? []);
        asked.push(lacks);
        const contents = lacks.includes(here!.hash) ? { [here!.hash]: encodeWhole('here') } : {};
        return answerOf({ contents });
      },
    });
    const remote = { ...(await remoteFile('hereaway', 1)), blocks: [here!, away!] };
    const file = { path: 'a', remote };
    const source = new BlockSource(sync, [file], newDownChannel(new Gate()));
    for await (const some of source.prepare([file])) expect(some).toEqual(some.length > 0 ? [file] : []);
    expect(asked).toEqual([[here!.hash, away!.hash], [away!.hash]]);
  });

  test('begins with what an answer brought, and asks for what it had no room for', async () => {
    const asked: { paths: string[]; contents: number | undefined }[] = [];
    const paths = ['a', 'b', 'c', 'd'];
    const encoded = new Map(
      await Promise.all(paths.map(async (path) => [(await blockOf(path)).hash, encodeWhole(path)] as const)),
    );
    const { sync } = await openFolder({
      download: async ({ files, contents: most }) => {
        asked.push({ paths: files.map(({ path }) => path), contents: most });
        const hashes = files.flatMap(({ lacks = [] }) => lacks).slice(0, 2);
        const contents = Object.fromEntries(hashes.map((hash) => [hash, encoded.get(hash)!]));
        return answerOf({ contents });
      },
    });
    const files = await Promise.all(paths.map(async (path) => ({ path, remote: await remoteFile(path, 1) })));
    const source = new BlockSource(sync, files, newDownChannel(new Gate()));
    const ready: string[][] = [];
    for await (const some of source.prepare(files)) {
      ready.push(some.map(({ path }) => path));
      for (const file of some) expect(await source.whole(file), file.path).toBeDefined();
    }
    expect(ready).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(asked).toEqual([
      { paths, contents: sync.fetches.most },
      { paths: ['c', 'd'], contents: sync.fetches.most },
    ]);
  });

  test.each([
    ['is made of the old content by a delta', { delta: 'good', disk: 'the old content', from: 'delta' }],
    ['comes whole where the delta is damaged', { delta: 'bad', disk: 'the old content', from: 'CDN' }],
    ['comes whole where the old content was edited here', { delta: 'good', disk: 'the OLD content', from: 'CDN' }],
  ])('%s', async (_, { delta, disk, from }) => {
    const [before, after] = ['the old content', 'the old content, edited'];
    const [base, made] = [await blockOf(before), await blockOf(after)];
    const good = Buffer.from(encodeDelta(Buffer.from(before), Buffer.from(after)));
    const encoded = delta === 'good' ? good : good.subarray(0, -1);
    const urls = { [made.hash]: await serve(after) };
    const deltas = { [made.hash]: { base: [base.hash], encoded: encoded.toString('base64') } };
    const answer = answerOf({ urls, deltas });
    const { sync, on, agreed } = await openFolder({ download: async () => answer });
    await agreed({ a: before });
    await writeFile(on('a'), disk);
    const file = { path: 'a', remote: await remoteFile(after, 2) };
    const source = new BlockSource(sync, [file], newDownChannel(new Gate()));
    await source.prepare([file]).next();
    const { bytes, received } = await source.block(file, 0, new AbortController().signal, Buffer.alloc(100));
    expect(Buffer.from(bytes).toString(), 'I16: what a delta makes').toBe(after);
    expect(received).toBe(from === 'delta' ? encoded.length : after.length);
  });

  test.each([
    ['is made by several deltas, each of what the one before made', { lost: -1, from: 'deltas' }],
    ['comes whole where one of several deltas is missing', { lost: 1, from: 'CDN' }],
  ])('%s', async (_, { lost, from }) => {
    const texts = ['the content', 'the content 2', 'the content 2 3', 'the content 2 3 4'];
    const blocks = await Promise.all(texts.map(blockOf));
    const encoded = texts.slice(1).map((text, index) => encodeDelta(Buffer.from(texts[index]!), Buffer.from(text)));
    const made = encoded.map((delta, index) => {
      return [blocks[index + 1]!.hash, { base: [blocks[index]!.hash], encoded: Buffer.from(delta).toString('base64') }];
    });
    const deltas = Object.fromEntries(made.filter((__, index) => index !== lost));
    const urls = { [blocks[3]!.hash]: await serve(texts[3]!) };
    const asked: (number | undefined)[] = [];
    const answer = answerOf({ urls, deltas });
    const { sync, agreed } = await openFolder({
      download: async ({ files }) => {
        asked.push(files[0]!.from);
        return answer;
      },
    });
    await agreed({ a: texts[0]! });
    const file = { path: 'a', remote: await remoteFile(texts[3]!, 4) };
    const source = new BlockSource(sync, [file], newDownChannel(new Gate()));
    await source.prepare([file]).next();
    const { bytes, received } = await source.block(file, 0, new AbortController().signal, Buffer.alloc(100));
    expect(Buffer.from(bytes).toString(), 'I16: what deltas make').toBe(texts[3]);
    const all = encoded.reduce((sum, { length }) => sum + length, 0);
    expect(received).toBe(from === 'deltas' ? all : texts[3]!.length);
    expect(asked).toEqual([1]);
  });
});
