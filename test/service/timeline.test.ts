import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { CommitResult } from '../../protocol/commit.ts';
import type { User } from '../support/user.ts';
import { allChanges, changes, errorOf } from './support/calls.ts';
import { shardOf, signUp } from './support/service.ts';

/** Gives the user's changes another timeline, as a restore does to all. Returns the one before. */
async function setBack(user: User): Promise<string> {
  const { timeline } = await changes(user, 0);
  const { sql, schema } = shardOf(user);
  await sql.query(`update ${schema}.accounts set timeline = gen_random_uuid() where user_id = $1`, [user.id]);
  return timeline!;
}

/** Bytes that the blocks' counts and the account's sums say are in use. */
async function counted(user: User): Promise<unknown> {
  const { sql, schema } = shardOf(user);
  const { rows: sums } = await sql.query(
    `select used_bytes, reserved_bytes, entries, change_seq from ${schema}.accounts where user_id = $1`,
    [user.id],
  );
  const { rows: blocks } = await sql.query(
    `select b.ref_count from blocks.blocks b where block_hash in
       (select unnest(block_hashes) from ${schema}.file_versions where user_id = $1) order by block_hash`,
    [user.id],
  );
  return { sums, blocks };
}

test.each([
  [
    'POST /finalize',
    async (user: User) => {
      const content = randomBytes(1000);
      const { upload_id, answer } = await user.begin('a', content, 1);
      await user.send(answer, content);
      return { upload_id };
    },
  ],
  ['POST /delete', async () => ({ request_id: randomUUID(), files: [{ path: 'a', base_version: 1 }] })],
  ['POST /move', async () => ({ request_id: randomUUID(), moves: [{ from: 'a', to: 'b', base_version: 1 }] })],
] as const)('%s of a device that knows of another timeline commits and counts nothing', async (route, prepare) => {
  const user = await signUp();
  await user.save('a', randomBytes(1000));
  const old = await setBack(user);
  const body = await prepare(user);
  const before = await counted(user);
  const [method, path] = route.split(' ') as [string, string];
  const call = (timeline: string | undefined, again = {}) =>
    user.call<{ results: CommitResult[] }>(method, path, { ...body, ...again, device_id: user.device, timeline });

  errorOf(await call(old), 'other_timeline');
  errorOf(await call(old), 'other_timeline');
  expect((await allChanges(user)).length, 'I62: a commit in a timeline that is over').toBe(1);
  if (route !== 'POST /finalize') expect(await counted(user), 'I43: what was refused').toEqual(before);
  const { timeline } = await changes(user, 0);
  if (route === 'POST /finalize') Object.assign(body, await prepare(user));
  const { status } = await call(timeline, 'request_id' in body ? { request_id: randomUUID() } : {});
  expect([status, (await allChanges(user)).length]).toEqual([200, 2]);
});
