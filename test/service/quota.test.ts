import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { offer, type User } from '../support/user.ts';
import { deleteFiles, errorOf, finalize, init, moveFiles, put, restoreFile, resultsOf } from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

let user: User;
beforeEach(async () => {
  user = await signUp();
  const { schema, userId } = shardOf(user);
  await database.query(`update ${schema}.accounts set quota_bytes = 1000 where user_id = $1`, [userId]);
});

async function account(): Promise<{ used: number; reserved: number }> {
  const { schema, userId } = shardOf(user);
  const { rows } = await database.query<{ used: number; reserved: number }>(
    `select used_bytes as used, reserved_bytes as reserved from ${schema}.accounts where user_id = $1`,
    [userId],
  );
  return rows[0]!;
}

test('bytes are reserved by upload-init and used from finalize on', async () => {
  const content = randomBytes(600);
  const { upload_id, send } = await init(user, [await offer('a', content, 0)]);
  expect(await account()).toEqual({ used: 0, reserved: 600 });
  await put(send, content);
  await finalize(user, upload_id);
  expect(await account()).toEqual({ used: 600, reserved: 0 });
  await finalize(user, upload_id);
  expect(await account()).toEqual({ used: 600, reserved: 0 });
});

test('what does not fit beside other uploads is refused with an error of its own; the rest of the batch goes on', async () => {
  await init(user, [await offer('open', randomBytes(600), 0)]);
  const files = [await offer('large', randomBytes(500), 0), await offer('small', randomBytes(400), 0)];
  const { refused, send } = await init(user, files);
  expect(refused).toMatchObject([{ path: 'large', error: { code: 'quota_exceeded' } }]);
  expect(send).toHaveLength(1);
  expect(await account()).toEqual({ used: 0, reserved: 1000 });
});

test('uploads that race for the same space do not both get it', async () => {
  const files = await Promise.all(['a', 'b', 'c'].map((path) => offer(path, randomBytes(400), 0)));
  const answers = await Promise.all(files.map((file) => init(user, [file])));
  expect(answers.filter(({ refused }) => refused.length > 0)).toHaveLength(1);
  expect(await account()).toEqual({ used: 0, reserved: 800 });
});

test('an update needs only what it adds, and a smaller one frees space', async () => {
  await user.save('a', randomBytes(900));
  await user.save('a', randomBytes(1000), 1);
  expect(await account()).toEqual({ used: 1000, reserved: 0 });
  await user.save('a', randomBytes(100), 2);
  expect(await account()).toEqual({ used: 100, reserved: 0 });
});

test('deletes free space, moves need none, and a restore needs what it brings back', async () => {
  await user.save('a', randomBytes(700));
  await moveFiles(user, [{ from: 'a', to: 'b', base_version: 1 }]);
  expect(await account()).toEqual({ used: 700, reserved: 0 });
  await deleteFiles(user, [{ path: 'b', base_version: 2 }]);
  expect(await account()).toEqual({ used: 0, reserved: 0 });
  await user.save('c', randomBytes(400));
  errorOf(await restoreFile(user, { path: 'b', version: 2, base_version: 0 }), 'quota_exceeded');
  await deleteFiles(user, [{ path: 'c', base_version: 1 }]);
  resultsOf(await restoreFile(user, { path: 'b', version: 2, base_version: 0 }));
  expect(await account()).toEqual({ used: 700, reserved: 0 });
});

test('a file that loses its race gives its space back', async () => {
  await user.save('a', randomBytes(100));
  const content = randomBytes(500);
  const { upload_id, send } = await init(user, [await offer('a', content, 1)]);
  await put(send, content);
  await user.save('a', randomBytes(200), 1);
  errorOf(await user.finalize(upload_id), 'stale_version');
  expect(await account()).toEqual({ used: 200, reserved: 0 });
});
