import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { deltaContentType } from '../../protocol/delta-apply.ts';
import { callSave } from '../support/call-save.ts';
import { type Answer, offer, type User } from '../support/user.ts';
import { allChanges, deleteFiles, errorOf, moveFiles, restoreFile } from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

/** Beyond PostgreSQL's integer, its bigint, and what JavaScript counts exactly. */
const huge = [2 ** 31, 3_000_000_000, 2 ** 53, 2 ** 63, 1e300];
const base = { path: 'file', first: 0, count: 1 };
let user: User;

beforeAll(async () => {
  user = await signUp();
  await user.save('file', randomBytes(10));
});

async function reserved(): Promise<number> {
  const { schema, userId } = shardOf(user);
  const { rows } = await database.query(`select reserved_bytes from ${schema}.accounts where user_id = $1`, [userId]);
  return rows[0].reserved_bytes;
}

test.each(huge)('a version of %d is refused by every route, and nothing is reserved for it', async (version) => {
  const before = await allChanges(user);
  const device_id = user.device;
  const file = await offer('new', randomBytes(1000), 0);
  const [block] = file.blocks;
  const upload = { upload_id: randomUUID(), device_id };
  const withDelta = { ...file, blocks: [{ ...block!, delta: { base: { ...base, version }, bytes: 1 } }] };
  const header = JSON.stringify({ ...upload, deltas: [{ ...block, base: { ...base, version }, bytes: 1 }] });
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length);
  const answers: Promise<Answer>[] = [
    user.call('POST', '/download', { device_id, files: [{ path: 'file', version }] }),
    restoreFile(user, { path: 'file', version, base_version: 1 }),
    restoreFile(user, { path: 'file', version: 1, base_version: version }),
    moveFiles(user, [{ from: 'file', to: 'other', base_version: version }]),
    deleteFiles(user, [{ path: 'file', base_version: version }]),
    user.call('GET', `/history?device_id=${device_id}&path=file&before=${version}`),
    user.call('POST', '/upload-init', { ...upload, files: [{ ...file, base_version: version }] }),
    user.call('POST', '/upload-init', { ...upload, files: [withDelta] }),
    user.call('POST', '/delta-apply', Buffer.concat([length, Buffer.from(header), Buffer.alloc(1)]), {
      'content-type': deltaContentType,
    }),
  ];
  answers.push(callSave(user, [{ path: 'new', content: Buffer.from('new'), base: version }]));
  for (const answer of await Promise.all(answers)) errorOf(answer, 'bad_request');
  expect(await reserved()).toBe(0);
  expect(await allChanges(user)).toEqual(before);
});

test.each(['', ' 5', '0x10', '1e3', '-1', '1.5', '9007199254740993', '1,2'])(
  'the cursor %j is none',
  async (cursor) => {
    const query = new URLSearchParams({ device_id: user.device, cursor });
    errorOf(await user.call('GET', `/changes?${query}`), 'bad_request');
  },
);

test('a cursor that no sequence reaches, and a moment after all time, are typed refusals', async () => {
  const most = Number.MAX_SAFE_INTEGER;
  errorOf(await user.call('GET', `/changes?device_id=${user.device}&cursor=${most}`), 'cursor_gone');
  errorOf(await user.call('GET', `/compare?device_id=${user.device}&at=${most}`), 'bad_request');
});

test('the largest size and the times before and after all others are kept as they are', async () => {
  for (const mtime_ms of [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]) {
    const path = `at ${mtime_ms}`;
    const file = { ...(await offer(path, Buffer.alloc(0), 0)), mtime_ms };
    const upload = { upload_id: randomUUID(), device_id: user.device };
    expect(await user.call('POST', '/upload-init', { ...upload, files: [file] })).toMatchObject({ status: 200 });
    expect(await user.finalize(upload.upload_id)).toMatchObject({ status: 200 });
    expect((await allChanges(user)).at(-1)!.entry).toMatchObject({ path, mtime_ms });
  }
});

test('a device’s name has up to 64 characters of any script, and no half ones', async () => {
  const named = (name: string) => user.call('POST', '/devices', { device_id: user.device, name });
  expect(await named('😀'.repeat(64))).toMatchObject({ status: 200, body: { name: '😀'.repeat(64) } });
  for (const name of ['😀'.repeat(65), '', '\ud800', 'a/b', 'a\\b', 'nul\0']) errorOf(await named(name), 'bad_request');
});
