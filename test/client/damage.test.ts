import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { catchUp } from '../../client/steps/catch-up.ts';
import type { Sync } from '../../client/steps/context.ts';

import { hashOf } from '../service/support/blocks.ts';
import { download as fetchFile } from '../service/support/calls.ts';
import { data } from '../service/support/service.ts';
import { loseObject, putObject } from '../support/bucket.ts';
import { damageBlock } from '../support/storage.ts';
import type { User } from '../support/user.ts';
import { type Account, openAccount } from './account.ts';
import { download } from './carry-out.ts';

let account: Account;
let user: User;
let sync: Sync | undefined;

beforeAll(async () => {
  account = await openAccount();
  user = await account.caller();
});
afterEach(() => {
  sync?.state.close();
  sync = undefined;
});
afterAll(() => account.close());

/** A new device that has read the changes and then downloads these files. */
async function receive(...paths: string[]): Promise<Sync> {
  sync = await account.openSync(await account.device(paths[0]!));
  await catchUp(sync);
  await download(sync, paths);
  return sync;
}

test('a block that the CDN keeps damaged arrives whole', async () => {
  const content = randomBytes(5000);
  await user.save('cached', content);
  const hash = await hashOf(content);
  await damageBlock(data, hash);
  expect((await fetchFile(user, 'cached')).equals(content)).toBe(false);
  await damageBlock(data, hash);
  expect((await fetchFile(user, 'cached')).equals(content)).toBe(false);
  const { root, failures } = await receive('cached');
  expect(failures.paths).toEqual([]);
  expect((await readFile(join(root, 'cached'))).equals(content)).toBe(true);
});

test('a block is read as its bytes, whatever its object says of how to decode it', async () => {
  const content = randomBytes(5000);
  await user.save('labelled', content);
  await putObject(data, await hashOf(content), { Body: content, ContentEncoding: 'gzip' });
  const { root, failures } = await receive('labelled');
  expect(failures.paths).toEqual([]);
  expect((await readFile(join(root, 'labelled'))).equals(content)).toBe(true);
});

test('a block that the service has lost is a problem of its file; the others arrive', async () => {
  const [lost, there] = [randomBytes(5000), randomBytes(5000)];
  await user.save('lost', lost);
  await user.save('there', there);
  await loseObject(data, await hashOf(lost));
  const { root, failures, state } = await receive('lost', 'there');
  expect(failures.paths).toEqual(['lost']);
  expect(state.problems()).toEqual([{ path: 'lost', message: expect.stringContaining('the service has lost') }]);
  expect((await readFile(join(root, 'there'))).equals(there)).toBe(true);
  const { body } = await user.call('GET', `/heal?device_id=${user.device}`);
  expect(body, 'I25: a device that has it is asked').toEqual({ hashes: [await hashOf(lost)] });
});
