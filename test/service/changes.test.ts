import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../protocol/changes.ts';
import type { DownloadResponse } from '../../protocol/download.ts';
import { limits } from '../../protocol/limits.ts';
import { offer, type User } from '../support/user.ts';
import { hashOf } from './support/blocks.ts';
import {
  allChanges,
  changes,
  deleteFiles,
  errorOf,
  finalize,
  init,
  locate,
  moveFiles,
  put,
  save,
} from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

test('changes count up by one without a gap, over all kinds of commits at once', async () => {
  const user = await signUp();
  await Promise.all([1, 2, 3, 4].map((index) => user.save(`f${index}`, randomBytes(10))));
  await Promise.all([
    moveFiles(user, [{ from: 'f1', to: 'g1', base_version: 1 }]),
    deleteFiles(user, [{ path: 'f2', base_version: 1 }]),
    user.save('f3', randomBytes(10), 1),
    user.save('f5', randomBytes(10)),
  ]);
  const list = await allChanges(user);
  expect(list.map(({ cursor }) => cursor)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(list.every(({ device_id }) => device_id === user.device)).toBe(true);
  expect(list.find(({ change_type }) => change_type === 'move')).toMatchObject({
    moved_from: 'f1',
    entry: { version: 2 },
  });
});

test('pages follow each other from cursor to cursor', async () => {
  const user = await signUp();
  const content = randomBytes(10);
  const files = await Promise.all(Array.from({ length: 7 }, (_, index) => offer(`f${index}`, content, 0)));
  const { upload_id, send } = await init(user, files);
  await put(send, content);
  await finalize(user, upload_id);

  const read: Change[] = [];
  for (let cursor = 0, more = true; more; ) {
    const page = await changes(user, cursor, 3);
    read.push(...page.changes);
    ({ cursor, more } = page);
  }
  expect(read).toEqual(await allChanges(user));
  expect(await changes(user, 7)).toMatchObject({ changes: [], cursor: 7, more: false });
});

test('a cursor after the newest change is gone: the service was set back', async () => {
  const user = await signUp();
  await user.save('a', randomBytes(10));
  errorOf(await user.call('GET', `/changes?device_id=${user.device}&cursor=2`), 'cursor_gone');
});

test('another session of the user is seen while it commits, in order', async () => {
  const user = await signUp();
  const saving = Promise.all(Array.from({ length: 8 }, (_, index) => user.save(`f${index}`, randomBytes(10))));
  const seen: number[] = [];
  for (let cursor = 0; seen.length < 8; ) {
    const page = await changes(user, cursor);
    seen.push(...page.changes.map((change) => change.cursor));
    cursor = page.cursor;
  }
  await saving;
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

describe('small contents', () => {
  const most = limits.contentBytesPerAnswer;
  const contentsFor = async (user: User, asked?: number) => (await changes(user, 0, undefined, asked)).contents;

  test('come along as a download would answer them, to who asks and did not save them himself', async () => {
    const user = await signUp();
    const other = await user.addDevice();
    await save(user, [
      { path: 'note', content: randomBytes(100) },
      { path: 'in a pack', content: randomBytes(limits.rowBytes + 1) },
    ]);
    await other.save('of its own', randomBytes(10));
    const { contents } = await locate(other, 'note');
    expect(Object.keys(contents)).toHaveLength(1);
    expect(await contentsFor(other, most)).toEqual(contents);
    expect(await contentsFor(user, most)).toEqual({});
    expect([await contentsFor(other, 0), await contentsFor(other)]).toEqual([{}, undefined]);
    errorOf(await other.call('GET', `/changes?device_id=${other.device}&cursor=0&contents=${most + 1}`), 'bad_request');
  });

  test('are of what the page leaves at a path, as many as the caller has room for', async () => {
    const user = await signUp();
    const other = await user.addDevice();
    const [old, now, gone, second] = [randomBytes(90), randomBytes(90), randomBytes(90), randomBytes(90)];
    await save(user, [
      { path: 'a', content: old },
      { path: 'b', content: gone },
    ]);
    await save(user, [
      { path: 'a', content: now, base: 1 },
      { path: 'c', content: second },
    ]);
    await deleteFiles(user, [{ path: 'b', base_version: 1 }]);
    const hashes = [await hashOf(now), await hashOf(second)];
    expect(Object.keys((await contentsFor(other, most))!)).toEqual(hashes);
    expect(Object.keys((await contentsFor(other, 300))!)).toEqual(hashes.slice(0, 1));
  });

  test('come with a download as far as it has room for, the others with the next one', async () => {
    const user = await signUp();
    const contents = [randomBytes(90), randomBytes(90)];
    await save(user, [
      { path: 'a', content: contents[0]! },
      { path: 'b', content: contents[1]! },
    ]);
    const hashes = await Promise.all(contents.map(hashOf));
    const files = [{ path: 'a' }, { path: 'b' }];
    const call = (room?: number) =>
      user.call<DownloadResponse>('POST', '/download', { device_id: user.device, files, contents: room });
    const answered = async (room?: number) => Object.keys((await call(room)).body.contents);
    expect([await answered(), await answered(most)]).toEqual([hashes, hashes]);
    expect([await answered(300), await answered(1)]).toEqual([hashes.slice(0, 1), hashes.slice(0, 1)]);
    const { body } = await call(300);
    expect([body.urls, body.files.map(({ path }) => path)]).toEqual([{}, ['a', 'b']]);
    for (const bad of [0, most + 1]) errorOf(await call(bad), 'bad_request');
  });

  test('are of blocks alone that a version of the user holds', async () => {
    const user = await signUp();
    const other = await user.addDevice();
    await save(user, [{ path: 'note', content: randomBytes(100) }]);
    expect(Object.keys((await contentsFor(other, most))!)).toHaveLength(1);
    await database.query(`delete from ${shardOf(user).schema}.held_blocks where user_id = $1`, [user.id]);
    expect(await contentsFor(other, most)).toEqual({});
  });
});
