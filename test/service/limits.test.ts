import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { batched } from '../../client/common/batched.ts';
import { fromHex, sha256, toHex } from '../../codec/index.ts';
import { limits } from '../../protocol/limits.ts';
import { TreeResponse } from '../../protocol/tree.ts';
import type { OfferedFile } from '../../protocol/upload-init.ts';
import { offer, type User } from '../support/user.ts';
import {
  deleteFiles,
  directory,
  errorOf,
  finalize,
  init,
  moveFiles,
  put,
  resultsOf,
  sendProofs,
  tree,
} from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

/*
 * Calls as large as the limits allow: each ends in its function's time. LIMITS=all plays them at the limits themselves,
 * for some minutes; otherwise at a part of them that any machine does in seconds.
 */

const atLimit = process.env.LIMITS === 'all';

/** Of a block: small enough that a file of as many as there may be is taken, large enough that it may have so many. */
const BYTES = 2 ** 20;

/** Blocks that the service takes for stored, and for the user's; and a quota for files of them. */
async function holdBlocks(user: User, count: number): Promise<string[]> {
  const hashes = Array.from({ length: count }, (_, index) =>
    createHash('sha256').update(`${user.id} ${index}`).digest('hex'),
  );
  const { schema } = shardOf(user);
  const bytes = hashes.map((hash) => Buffer.from(hash, 'hex'));
  await database.query(
    `insert into blocks.blocks (block_hash, state, ref_count, size_bytes) select *, 'live', 1, $2 from unnest($1::bytea[])`,
    [bytes, BYTES],
  );
  await database.query(
    `insert into ${schema}.held_blocks (user_id, block_hash, versions) select $1, *, 1 from unnest($2::bytea[])`,
    [user.id, bytes],
  );
  await database.query(`update ${schema}.accounts set quota_bytes = $2 where user_id = $1`, [
    user.id,
    2 * count * BYTES,
  ]);
  return hashes;
}

test('as many files with as many blocks as an upload takes are committed in one call', {
  timeout: 300_000,
}, async () => {
  const user = await signUp();
  const [fileCount, blockCount] = atLimit ? [limits.filesPerCall, limits.blocksPerCall] : [100, 2000];
  const hashes = await holdBlocks(user, blockCount);
  const each = blockCount / fileCount;
  const files = Array.from({ length: fileCount }, (_, index): OfferedFile => {
    const blocks = hashes.slice(index * each, (index + 1) * each).map((hash) => ({ hash, size: BYTES }));
    return {
      path: `files/${index}`,
      kind: 'file',
      size: each * BYTES,
      mtime_ms: 1,
      mode: 0o644,
      base_version: 0,
      blocks,
    };
  });
  const { upload_id, send, refused } = await init(user, files);
  expect([send, refused]).toEqual([[], []]);
  const results = await finalize(user, upload_id);
  expect(results.filter((result) => 'version' in result)).toHaveLength(fileCount);
  expect(await finalize(user, upload_id)).toEqual(results);

  // One file of all blocks, which is as large as one can be.
  const blocks = hashes.map((hash) => ({ hash, size: BYTES }));
  const whole = { ...files[0]!, path: 'whole', size: blockCount * BYTES, blocks };
  const { upload_id: again } = await init(user, [whole]);
  expect(await finalize(user, again)).toMatchObject([{ path: 'whole', version: 1 }]);
  const lacking = { device_id: user.device, files: [{ path: 'whole', lacks: [] }] };
  const { status, body } = await user.call<{ files: unknown[] }>('POST', '/download', lacking);
  expect([status, body.files]).toMatchObject([200, [{ path: 'whole', entry: { size: blockCount * BYTES } }]]);
});

/** Commits a directory with so many entries, itself included; answers their paths. */
async function saveDirectory(user: User, path: string, entries: number): Promise<string[]> {
  const content = randomBytes(10);
  await user.save(`${path}/0`, content);
  const names = Array.from({ length: entries - 1 }, (_, n) => `${path}/${n}`);
  const others = await Promise.all(names.slice(1).map((name) => offer(name, content, 0)));
  for (const files of batched([directory(path), ...others], { most: limits.filesPerCall })) {
    await finalize(user, (await init(user, files)).upload_id);
  }
  return [path, ...names];
}

test('a directory is renamed in one call with as much in it as that takes, and deleted in as few as those take', {
  timeout: 300_000,
}, async () => {
  const user = await signUp();
  const paths = await saveDirectory(user, 'from', atLimit ? limits.movesPerCall : 2 * limits.filesPerCall);
  const moves = paths.map((from) => ({ from, to: from.replace('from', 'to'), base_version: 1 }));
  const results = resultsOf(await moveFiles(user, moves));
  expect(results.filter((result) => 'version' in result && result.version === 2)).toHaveLength(moves.length);

  const deletions = moves.map(({ to }) => ({ path: to, base_version: 2 })).reverse();
  for (const call of batched(deletions, { most: limits.deletesPerCall })) {
    expect(resultsOf(await deleteFiles(user, call)).filter((result) => 'error' in result)).toEqual([]);
  }
  const tooMany = Array.from({ length: limits.deletesPerCall + 1 }, (_, n) => ({ path: `${n}`, base_version: 1 }));
  errorOf(await deleteFiles(user, tooMany), 'limit_exceeded');
});

test('a directory goes as one item with as much in it as that stands for', { timeout: 300_000 }, async () => {
  const user = await signUp();
  const paths = await saveDirectory(user, 'from', atLimit ? limits.entriesPerFolder : 2 * limits.filesPerCall);
  const { hash } = await tree(user, 'from');
  const moves = [{ from: 'from', to: 'to', base_version: 1, tree_hash: hash }];
  expect(resultsOf(await moveFiles(user, moves))).toMatchObject([{ path: 'to', entries: paths.length }]);
});

test('as many proofs as a call takes are checked in one', { timeout: 300_000 }, async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const bytes = atLimit ? limits.blockBytes : 5000;
  const contents = Array.from({ length: limits.proofsPerCall }, () => randomBytes(bytes));
  const files = await Promise.all(contents.map((content, index) => offer(`proven/${index}`, content, 0)));
  const stored = await init(owner, files);
  await put(stored.send, ...contents);
  await finalize(owner, stored.upload_id);

  const { upload_id, send } = await init(user, files);
  const byHash = new Map(files.map(({ blocks }, index) => [blocks[0]!.hash, contents[index]!]));
  const proofs = send.map(async (block) => {
    if (block.how !== 'prove') throw new Error(`the service asks for '${block.how}'`);
    const proof = toHex(await sha256(Buffer.concat([fromHex(block.nonce), byHash.get(block.hash)!])));
    return { hash: block.hash, proof };
  });
  const { results } = await sendProofs(user, upload_id, await Promise.all(proofs));
  expect(results).toHaveLength(limits.proofsPerCall);
  expect(results.filter(({ error }) => error)).toEqual([]);
  expect((await finalize(user, upload_id)).filter((result) => 'version' in result)).toHaveLength(files.length);
});

/** A page, asked for again while the service says that it is busy. */
async function page(user: User, after?: string): ReturnType<typeof tree> {
  for (let tries = 1; ; tries++) {
    const query = new URLSearchParams({ device_id: user.device, path: 'flat', ...(after !== undefined && { after }) });
    const answer = await user.call('GET', `/tree?${query}`);
    if (answer.status === 200) return TreeResponse.parse(answer.body);
    errorOf(answer, 'unavailable');
    expect(tries).toBeLessThan(10);
  }
}

test('a directory of as many entries as a tree may have is hashed, listed and changed', {
  timeout: 300_000,
}, async () => {
  const user = await signUp();
  const count = atLimit ? limits.entriesPerUser : 10_000;
  await user.save('flat/real', randomBytes(10));
  const { schema } = shardOf(user);
  await database.query(
    `insert into ${schema}.files
       (file_id, user_id, path, kind, version, block_hashes, block_sizes, size_bytes, mtime_ms, mode)
     select gen_random_uuid(), $1, 'flat/' || n, 'file', 1, array[sha256(n::text::bytea)], '{1}', 1, 1, 420
     from generate_series(2, $2::int) n`,
    [user.id, count],
  );
  await database.query(`update ${schema}.accounts set entries = $2 where user_id = $1`, [user.id, count]);
  const first = await page(user);
  let listed = 0;
  for (let after: string | undefined, more = true; more; ) {
    const { hash, entries, next } = await page(user, after);
    expect(hash).toBe(first.hash);
    listed += entries.length;
    after = next;
    more = after !== undefined;
  }
  expect(listed).toBe(count);

  expect(resultsOf(await moveFiles(user, [{ from: 'flat/real', to: 'flat/moved', base_version: 1 }]))).toMatchObject([
    { path: 'flat/moved', version: 2 },
  ]);
  expect((await page(user)).hash).not.toBe(first.hash);
  // More than a call may name, so that it cannot go as a whole.
  errorOf(await moveFiles(user, [{ from: 'flat', to: 'other', base_version: 0 }]), 'bad_request');
  const whole = { request_id: randomUUID(), device_id: user.device };
  const moves = Array.from({ length: limits.movesPerCall + 1 }, (_, n) => ({
    from: `flat/${n + 2}`,
    to: `other/${n + 2}`,
    base_version: 1,
  }));
  errorOf(await user.call('POST', '/move', { ...whole, moves }), 'limit_exceeded');
});
