import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { saveBody } from '../../client/steps/save-body.ts';
import { limits } from '../../protocol/limits.ts';
import { saveContentType } from '../../protocol/save.ts';
import { blocksOf, offer } from '../support/user.ts';
import { allChanges, directory, download, errorOf, finalize, init, put, resultsOf, tree } from './support/calls.ts';
import { database, signUp } from './support/service.ts';

test('a new file is stored, listed and readable', async () => {
  const user = await signUp();
  const content = randomBytes(5 * 1024 * 1024);
  expect(await user.save('docs/new.bin', content)).toMatchObject({ path: 'docs/new.bin', version: 1, cursor: 1 });
  expect((await download(user, 'docs/new.bin')).equals(content)).toBe(true);
  const [entry] = (await tree(user, 'docs')).entries;
  expect(entry).toMatchObject({ name: 'new.bin', entry: { size: content.length, version: 1 } });
});

test('an update asks only for the blocks that are new', async () => {
  const user = await signUp();
  const [first, second] = [randomBytes(4 * 1024 * 1024), randomBytes(1000)];
  await user.save('a.bin', Buffer.concat([first, second]));
  const edited = Buffer.concat([first, randomBytes(1000)]);
  const { upload_id, send } = await init(user, [await offer('a.bin', edited, 1)]);
  expect(send.map(({ hash }) => hash)).toEqual([(await blocksOf(edited))[1]!.hash]);
  await put(send, edited);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 2 }]);
  expect((await download(user, 'a.bin')).equals(edited)).toBe(true);
  expect((await download(user, 'a.bin', 1)).equals(Buffer.concat([first, second]))).toBe(true);
});

test('a file of no bytes and a directory need no blocks', async () => {
  const user = await signUp();
  const { upload_id, send } = await init(user, [directory('d'), await offer('empty', new Uint8Array(), 0)]);
  expect(send).toEqual([]);
  await finalize(user, upload_id);
  expect((await tree(user)).entries.map(({ name, entry }) => [name, entry?.kind])).toEqual([
    ['d', 'directory'],
    ['empty', 'file'],
  ]);
});

test('finalize answers a retry with the same results and changes nothing', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  const { upload_id, send } = await init(user, [await offer('a', content, 0), await offer('b', content, 0)]);
  await put(send, content);
  const first = await finalize(user, upload_id);
  const before = await tree(user);
  const [again, atOnce, twin] = await Promise.all([1, 2, 3].map(() => finalize(user, upload_id)));
  expect([again, atOnce, twin]).toEqual([first, first, first]);
  expect(await tree(user)).toEqual(before);
  expect(await allChanges(user)).toHaveLength(2);
});

test('finalizes of one upload at the same time commit once', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  const { upload_id, send } = await init(user, [await offer('a', content, 0)]);
  await put(send, content);
  const answers = await Promise.all([1, 2, 3, 4].map(() => finalize(user, upload_id)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(await allChanges(user)).toHaveLength(1);
});

test('upload-init under the same id continues the upload, and takes no other files under it', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  const files = [await offer('a', content, 0)];
  const { upload_id, send } = await init(user, files);
  const again = await init(user, files, upload_id);
  expect(again.send.map(({ hash }) => hash)).toEqual(send.map(({ hash }) => hash));
  const others = [await offer('b', content, 0)];
  const body = { upload_id, device_id: user.device, files: others };
  errorOf(await user.call('POST', '/upload-init', body), 'upload_gone');
});

test('each file of an upload commits by itself: one that lacks its block can follow', async () => {
  const user = await signUp();
  const [one, two] = [randomBytes(100), randomBytes(100)];
  const files = [await offer('one', one, 0), await offer('two', two, 0)];
  const { upload_id, send } = await init(user, files);
  const hashOfOne = (await blocksOf(one))[0]!.hash;
  await put(
    send.filter(({ hash }) => hash === hashOfOne),
    one,
  );
  expect(await finalize(user, upload_id)).toMatchObject([
    { path: 'one', version: 1 },
    { path: 'two', error: { code: 'blocks_missing' } },
  ]);
  await put((await init(user, files, upload_id)).send, two);
  expect(await finalize(user, upload_id)).toMatchObject([
    { path: 'one', version: 1, cursor: 1 },
    { path: 'two', version: 1, cursor: 2 },
  ]);
});

test('two uploads of one user for the same new content need it once', async () => {
  const user = await signUp();
  const content = randomBytes(1000);
  const [first, second] = await Promise.all([
    init(user, [await offer('first', content, 0)]),
    init(user, [await offer('second', content, 0)]),
  ]);
  await put(first.send, content);
  await put(second.send, content);
  expect(await finalize(user, first.upload_id)).toMatchObject([{ path: 'first', version: 1 }]);
  expect(await finalize(user, second.upload_id)).toMatchObject([{ path: 'second', version: 1 }]);
});

test('two users who send the same new content at once both end with it', async () => {
  const [user, other] = await Promise.all([signUp(), signUp()]);
  const content = randomBytes(1000);
  const file = await offer('same.bin', content, 0);
  const [mine, theirs] = await Promise.all([init(user, [file]), init(other, [file])]);
  await put(mine.send, content);
  await put(theirs.send, content); // S3 keeps the newest: it carries the other upload's token
  expect(await finalize(other, theirs.upload_id)).toMatchObject([{ version: 1 }]);
  const { details } = errorOf(await user.finalize(mine.upload_id), 'blocks_missing');
  expect(details).toMatchObject({ hashes: file.blocks.map(({ hash }) => hash) });

  const { send } = await init(user, [file], mine.upload_id);
  expect(send).toMatchObject([{ how: 'put' }]);
  await put(send, content);
  expect(await finalize(user, mine.upload_id)).toMatchObject([{ version: 1 }]);
  expect((await download(other, 'same.bin')).equals(content)).toBe(true);
});

test('a PUT that another session overwrote is asked for again while nobody has committed it', async () => {
  const [user, other] = await Promise.all([signUp(), signUp()]);
  const content = randomBytes(1000);
  const file = await offer('same.bin', content, 0);
  const [mine, theirs] = await Promise.all([init(user, [file]), init(other, [file])]);
  await put(mine.send, content);
  await put(theirs.send, content);
  errorOf(await user.finalize(mine.upload_id), 'blocks_missing');
  await put((await init(user, [file], mine.upload_id)).send, content);
  expect(await finalize(user, mine.upload_id)).toMatchObject([{ version: 1 }]);
});

test('finalize looks for a block that is not sent a few times, and then not before upload-init is asked again', async () => {
  const user = await signUp();
  const content = randomBytes(1000);
  const files = [await offer('late', content, 0)];
  const { upload_id, send } = await init(user, files);
  for (let attempt = 0; attempt < 7; attempt++) errorOf(await user.finalize(upload_id), 'blocks_missing');
  const { rows } = await database.query('select looks from blocks.pins where user_id = $1', [user.id]);
  expect(rows).toEqual([{ looks: 5 }]);
  await put(send, content);
  errorOf(await user.finalize(upload_id), 'blocks_missing');
  await init(user, files, upload_id);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 1 }]);
});

test('a batch of 500 files commits in one call', async () => {
  const user = await signUp();
  const content = randomBytes(10);
  const files = await Promise.all(
    Array.from({ length: 500 }, (_, index) => offer(`d${index % 7}/f${index}`, content, 0)),
  );
  const { upload_id, send } = await init(user, files);
  await put(send, content);
  const results = await finalize(user, upload_id);
  expect(results.map((result) => 'cursor' in result && result.cursor)).toEqual(files.map((_, index) => index + 1));
});

test('a path that comes twice and a file below a file are refused', async () => {
  const user = await signUp();
  const content = randomBytes(10);
  const twice = [await offer('a', content, 0), await offer('a', content, 0)];
  const body = { upload_id: randomUUID(), device_id: user.device, files: twice };
  errorOf(await user.call('POST', '/upload-init', body), 'bad_request');

  await user.save('file', content);
  const { refused } = await init(user, [await offer('file/below', content, 0)]);
  expect(refused).toMatchObject([{ path: 'file/below', error: { code: 'path_conflict' } }]);
});

test('a file does not take the place of a directory with content, nor a directory that of a file', async () => {
  const user = await signUp();
  await user.save('dir/file', randomBytes(10));
  const { refused } = await init(user, [
    await offer('dir', randomBytes(10), 0),
    { ...directory('dir/file'), base_version: 1 },
  ]);
  expect(refused).toMatchObject([
    { path: 'dir', error: { code: 'path_conflict' } },
    { path: 'dir/file', error: { code: 'path_conflict' } },
  ]);
});

test('a path of the greatest length is stored, whatever its letters', async () => {
  const user = await signUp();
  const { limits } = await import('../../protocol/limits.ts');
  const letters = randomBytes(limits.pathBytes).toString('hex');
  const path = letters.slice(0, limits.pathBytes).replace(/(.{199})./g, '$1/');
  const whole = path.endsWith('/') ? `${path.slice(0, -1)}x` : path;
  expect(whole).toHaveLength(limits.pathBytes);
  await user.save(whole, randomBytes(10));
  expect((await allChanges(user))[0]!.entry.path).toBe(whole);
  expect(await tree(user)).toMatchObject({ entries: [{ name: whole.slice(0, 199) }] });
  const moved = { from: whole, to: `${whole.slice(0, -3)}end`, base_version: 1 };
  const answer = await user.call('POST', '/move', { request_id: randomUUID(), device_id: user.device, moves: [moved] });
  expect(resultsOf(answer)).toMatchObject([{ version: 2 }]);
});

test('a file has four blocks for each that it needs, and sixteen, at most; one with more fails alone', async () => {
  const user = await signUp();
  const size = limits.blockBytes + 1;
  const cut = (count: number) => {
    const sizes = [size - count + 1, ...Array<number>(count - 1).fill(1)];
    return sizes.map((size, index) => ({ hash: index.toString(16).padStart(64, '0'), size }));
  };
  const file = { kind: 'file', size, mtime_ms: 1, mode: 0o644, base_version: 0 } as const;
  const { refused } = await init(user, [
    { ...file, path: 'coarse', blocks: cut(2 * 4 + 16) },
    { ...file, path: 'fine', blocks: cut(2 * 4 + 17) },
  ]);
  expect(refused).toMatchObject([{ path: 'fine', error: { code: 'limit_exceeded' } }]);
  const blocks = Array.from({ length: 21 }, (_, index) => ({ hash: index.toString(16).padStart(64, 'f'), size: 1 }));
  const header = {
    upload_id: randomUUID(),
    device_id: user.device,
    files: [{ ...file, path: 'tiny', size: 21, blocks }],
    contents: [],
  };
  const saved = await user.call('POST', '/save', await saveBody(header, []), { 'content-type': saveContentType });
  errorOf(saved, 'limit_exceeded');
});
