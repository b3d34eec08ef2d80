import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { blocksOf, offer, type User } from '../support/user.ts';
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
  await (await user.addDevice()).save('a', randomBytes(200), 1);
  errorOf(await user.finalize(upload_id), 'stale_version');
  expect(await account()).toEqual({ used: 200, reserved: 0 });
});

/** Sets what the user's account has, as if all of it had come about. */
async function set(columns: string): Promise<void> {
  const { schema, userId } = shardOf(user);
  await database.query(`update ${schema}.accounts set ${columns} where user_id = $1`, [userId]);
}

async function keptBytes(): Promise<number> {
  const { schema, userId } = shardOf(user);
  const { rows } = await database.query<{ kept: number }>(
    `select kept_bytes as kept from ${schema}.accounts where user_id = $1`,
    [userId],
  );
  return rows[0]!.kept;
}

test('history and lost uploads are counted apart, and stop uploads at three quotas and a megabyte', async () => {
  const quota = 5_000_000;
  await set(`quota_bytes = ${quota}`);
  const most = limits.keptQuotas * quota + limits.keptAllowance;
  const content = () => randomBytes(3_900_000);
  // Saved and deleted: history.
  await user.save('a', content());
  await deleteFiles(user, [{ path: 'a', base_version: 1 }]);
  // Sent, and lost to another device.
  const lost = content();
  const { upload_id, send } = await init(user, [await offer('b', lost, 0)]);
  await put(send, lost);
  await (await user.addDevice()).save('b', randomBytes(10));
  errorOf(await user.finalize(upload_id), 'stale_version');
  // Sent, and given up.
  const open = await init(user, [await offer('c', content(), 0)]);
  expect(open.refused).toEqual([]);
  expect(await keptBytes()).toBeGreaterThan(11_700_000);
  expect(await account()).toEqual({ used: 10, reserved: 3_900_000 });

  await set('reserved_bytes = 0');
  const { refused } = await init(user, [await offer('d', content(), 0), await offer('e', randomBytes(10), 0)]);
  expect(refused).toEqual([]);
  const full = await init(user, [await offer('f', content(), 0)]);
  expect(full.refused).toMatchObject([{ path: 'f', error: { code: 'quota_exceeded' } }]);
  expect(await keptBytes()).toBeLessThanOrEqual(most);
});

test('what is kept grows with every version, also of empty files and by moves, and deletes always work', async () => {
  const before = await keptBytes();
  await user.save('a', new Uint8Array(0));
  await set(`kept_bytes = ${limits.keptQuotas * 1000 + limits.keptAllowance}`);
  const { refused } = await init(user, [await offer('b', new Uint8Array(0), 0)]);
  expect(refused).toMatchObject([{ error: { code: 'quota_exceeded' } }]);
  errorOf(await moveFiles(user, [{ from: 'a', to: 'b', base_version: 1 }]), 'quota_exceeded');
  errorOf(await restoreFile(user, { path: 'a', version: 1, base_version: 1 }), 'quota_exceeded');
  resultsOf(await deleteFiles(user, [{ path: 'a', base_version: 1 }]));
  expect(await keptBytes()).toBeGreaterThan(before);
});

test('a tree has as many entries as the limit says', async () => {
  await user.save('a', randomBytes(10));
  await set(`entries = ${limits.entriesPerUser - 1}`);
  const files = [await offer('b', randomBytes(10), 0), await offer('c', randomBytes(10), 0)];
  const { refused } = await init(user, [await offer('a', randomBytes(10), 1), ...files]);
  expect(refused).toMatchObject([{ path: 'c', error: { code: 'limit_exceeded' } }]);
});

test('the oldest open upload gives way when there are too many, and gives back what it reserved', async () => {
  const { schema, userId } = shardOf(user);
  const first = await init(user, [await offer('first', randomBytes(100), 0)]);
  await database.query(
    `insert into ${schema}.uploads (user_id, upload_id, device_id, offer_digest, refused, expires_at)
     select user_id, gen_random_uuid(), device_id, offer_digest, refused, expires_at + interval '1 second'
     from ${schema}.uploads, generate_series(2, ${limits.openUploads}) where user_id = $1`,
    [userId],
  );
  expect(await account()).toEqual({ used: 0, reserved: 100 });
  const last = await init(user, [await offer('last', randomBytes(50), 0)]);
  expect(await account()).toEqual({ used: 0, reserved: 50 });
  errorOf(await user.finalize(first.upload_id), 'upload_gone');
  const { rows } = await database.query(`select upload_id from blocks.pins where user_id = $1`, [userId]);
  expect(rows).toEqual([{ upload_id: last.upload_id }]);
});

test('so do uploads that pin too many blocks', async () => {
  const { schema, userId } = shardOf(user);
  const first = await init(user, [await offer('first', randomBytes(100), 0)]);
  await database.query(`update ${schema}.uploads set blocks = ${limits.openBlocks} where user_id = $1`, [userId]);
  const content = randomBytes(50);
  const last = await init(user, [await offer('last', content, 0)]);
  errorOf(await user.finalize(first.upload_id), 'upload_gone');
  await put(last.send, content);
  await finalize(user, last.upload_id);
});

test('a full quota is told in words', async () => {
  await set('quota_bytes = 2000000');
  const { refused } = await init(user, [await offer('a', randomBytes(2_500_000), 0)]);
  expect(refused[0]!.error.message).toBe(
    'needs 2.5 MB, 2.0 MB of your quota are free: delete files, or ask for a larger quota',
  );
});

test('what a device offers anew gives back at once what it had reserved; what others offer does not', async () => {
  const other = await user.addDevice();
  const { upload_id: first } = await init(user, [await offer('a', randomBytes(600), 0)]);
  const { refused } = await init(other, [await offer('a', randomBytes(700), 0)]);
  expect(refused).toMatchObject([{ error: { code: 'quota_exceeded' } }]);
  const content = randomBytes(700);
  const { upload_id: second, send } = await init(user, [await offer('a', content, 0)]);
  expect(await account()).toEqual({ used: 0, reserved: 700 });

  errorOf(await user.finalize(first), 'upload_gone');
  await put(send, content);
  await finalize(user, second);
  expect(await account()).toEqual({ used: 700, reserved: 0 });
});

test('an upload goes on while one of its files is not offered anew', async () => {
  const [one, two] = [await offer('a', randomBytes(300), 0), await offer('b', randomBytes(300), 0)];
  await init(user, [one, two]);
  await init(user, [await offer('a', randomBytes(300), 0)]);
  expect(await account()).toEqual({ used: 0, reserved: 900 });
});

test('what was sent for an upload is not sent again for the one that overtakes it', async () => {
  const [same, before, now] = [randomBytes(100), randomBytes(100), randomBytes(100)];
  const { send } = await init(user, [await offer('a', same, 0), await offer('b', before, 0)]);
  await put(send, same, before);
  const { upload_id, send: again } = await init(user, [await offer('a', same, 0), await offer('b', now, 0)]);
  const [block] = await blocksOf(now);
  await put(
    again.filter(({ hash }) => hash === block!.hash),
    now,
  );
  await finalize(user, upload_id);
});
