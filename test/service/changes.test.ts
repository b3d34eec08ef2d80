import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Change } from '../../protocol/changes.ts';
import { offer } from '../support/user.ts';
import { allChanges, changes, deleteFiles, errorOf, finalize, init, moveFiles, put } from './support/calls.ts';
import { signUp } from './support/service.ts';

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
