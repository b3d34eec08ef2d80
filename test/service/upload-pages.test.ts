import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { UploadInitResponse } from '../../protocol/upload-init.ts';
import type { User } from '../support/user.ts';
import { errorOf, init } from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

let user: User;
beforeAll(async () => {
  user = await signUp();
});

/** A file whose blocks nobody has. */
function fileOf(path: string, count: number) {
  const size = 2 ** 20;
  const blocks = Array.from({ length: count }, (_, index) => ({
    hash: createHash('sha256').update(`${user.device} ${path} ${index}`).digest('hex'),
    size,
  }));
  return { path, kind: 'file' as const, size: count * size, mtime_ms: 1, mode: 0o644, base_version: 0, blocks };
}

test('an upload of many blocks is told page by page which to send, in the order of the hashes', async () => {
  const file = fileOf('large', 2 * limits.sendsPerPage + 10);
  const first = await init(user, [file]);
  const told = [...first.send];
  for (let { next: after } = first; after !== undefined; ) {
    const body = { upload_id: first.upload_id, device_id: user.device, files: [file], after };
    const page = UploadInitResponse.parse((await user.call('POST', '/upload-init', body)).body);
    told.push(...page.send);
    after = page.next;
  }
  expect(told.map(({ hash }) => hash)).toEqual(file.blocks.map(({ hash }) => hash).sort());
});

test('every block of the upload is pinned from the first page on', async () => {
  const file = fileOf('pinned', limits.sendsPerPage + 10);
  const { upload_id } = await init(user, [file]);
  const { rows } = await database.query(
    `select count(*) as pins from blocks.pins
     where user_id = $1 and upload_id = $2 and expires_at > now() + interval '71 hours'`,
    [shardOf(user).userId, upload_id],
  );
  expect(rows).toEqual([{ pins: file.blocks.length }]);
});

test('more blocks than one call may name are refused', async () => {
  const count = limits.blocksPerCall + 1;
  const body = { upload_id: user.device, device_id: user.device, files: [fileOf('too-large', count)] };
  errorOf(await user.call('POST', '/upload-init', body), 'limit_exceeded');
});
