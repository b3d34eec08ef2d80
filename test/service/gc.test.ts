import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { SweepReport } from '../../lambdas/gc/sweep.ts';
import { offer } from '../support/user.ts';
import { beginDeletion, blockRow, endGrace, hashOf, objectVersions, passDays, references } from './support/blocks.ts';
import {
  changes,
  deleteFiles,
  download,
  errorOf,
  finalize,
  history,
  init,
  locate,
  moveFiles,
  put,
  restoreFile,
  resultsOf,
  save,
} from './support/calls.ts';
import { database, invoke, shardOf, signUp } from './support/service.ts';

// All tests that sweep are in this file, where they run one after the other: a sweep takes everything that is due.
const sweep = (event: object = {}) => invoke<SweepReport>('Gc', event);

test('an old version expires 30 days after the next one came; its block goes 72 hours later, with its object', async () => {
  const user = await signUp();
  const [old, current] = [randomBytes(100), randomBytes(100)];
  const hash = await hashOf(old);
  await user.save('a', old);
  await user.save('a', current, 1);

  await passDays(user, 29);
  await sweep();
  expect((await history(user, 'a')).map(({ version }) => version)).toEqual([2, 1]);
  await passDays(user, 2);
  await sweep();
  expect((await history(user, 'a')).map(({ version }) => version)).toEqual([2]);
  expect(await blockRow(hash)).toMatchObject({ state: 'live', ref_count: 0, hours_left: 72 });
  expect(await objectVersions(hash)).toHaveLength(1);

  await endGrace(hash);
  await sweep();
  expect(await blockRow(hash)).toBeUndefined();
  expect(await objectVersions(hash)).toEqual([]);
  expect((await download(user, 'a')).equals(current)).toBe(true);
});

test('the newest version never expires', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  await user.save('a', content);
  await passDays(user, 1000);
  await sweep();
  expect((await download(user, 'a')).equals(content)).toBe(true);
  expect(await blockRow(await hashOf(content))).toMatchObject({ ref_count: 1 });
});

test('a deleted file goes for good 30 days later, and its path starts anew', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  await user.save('a', content);
  await deleteFiles(user, [{ path: 'a', base_version: 1 }]);
  await passDays(user, 29);
  await sweep();
  expect(await history(user, 'a')).toHaveLength(2);
  await passDays(user, 2);
  await sweep();
  errorOf(await user.call('GET', `/history?device_id=${user.device}&path=a`), 'not_found');
  errorOf(await restoreFile(user, { path: 'a', version: 1, base_version: 0 }), 'not_found');
  const { schema, userId } = shardOf(user);
  for (const table of ['files', 'file_versions', 'held_blocks', 'changes']) {
    const { rows } = await database.query(`select from ${schema}.${table} where user_id = $1`, [userId]);
    expect({ table, rows: rows.length }).toEqual({ table, rows: 0 });
  }
  expect(await blockRow(await hashOf(content))).toMatchObject({ ref_count: 0 });
});

test('version numbers go on after all that was at a path has expired: an old base wins nothing', async () => {
  const user = await signUp();
  await user.save('deleted', randomBytes(100));
  await deleteFiles(user, [{ path: 'deleted', base_version: 1 }]);
  await user.save('moved', randomBytes(100));
  await moveFiles(user, [{ from: 'moved', to: 'elsewhere', base_version: 1 }]);
  await passDays(user, 31);
  await sweep();
  for (const path of ['deleted', 'moved']) {
    const { version } = (await user.save(path, randomBytes(100))) as { version: number };
    expect(version).toBeGreaterThan(2);
    errorOf(await deleteFiles(user, [{ path, base_version: 1 }]), 'stale_version');
    const { refused } = await init(user, [await offer(path, randomBytes(100), 1)]);
    expect(refused).toMatchObject([{ error: { code: 'stale_version', current_version: version } }]);
    errorOf(await moveFiles(user, [{ from: path, to: 'away', base_version: 1 }]), 'stale_version');
  }
  await user.save('never-there', randomBytes(100));
  expect(await history(user, 'elsewhere')).toMatchObject([{ version: 2 }]);
});

test('a file that was restored before its history ended keeps its content', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  await user.save('a', content);
  await deleteFiles(user, [{ path: 'a', base_version: 1 }]);
  await passDays(user, 29);
  resultsOf(await restoreFile(user, { path: 'a', version: 1, base_version: 0 }));
  await passDays(user, 2);
  await sweep();
  expect((await history(user, 'a')).map(({ version }) => version)).toEqual([3]);
  await endGrace(await hashOf(content));
  await sweep();
  expect((await download(user, 'a')).equals(content)).toBe(true);
});

test('a restore that races with expiry restores whole or finds nothing', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  await user.save('a', content);
  await user.save('a', randomBytes(100), 1);
  await passDays(user, 31);
  const [answer] = await Promise.all([restoreFile(user, { path: 'a', version: 1, base_version: 2 }), sweep()]);
  const hash = await hashOf(content);
  await endGrace(hash);
  await sweep();
  if (answer.status === 200) expect((await download(user, 'a')).equals(content)).toBe(true);
  else errorOf(answer, 'not_found');
  expect((await blockRow(hash))?.ref_count ?? 0).toBe(await references(user, hash));
});

test('an open upload keeps a block that nothing else holds', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  const hash = await hashOf(content);
  await user.save('a', content);
  const { upload_id, send } = await init(user, [await offer('b', content, 0)]);
  expect(send).toEqual([]);
  const { schema, userId } = shardOf(user);
  const { rows } = await database.query(`select version_id from ${schema}.file_versions where user_id = $1`, [userId]);
  // As if the version had expired meanwhile.
  await database.query(`delete from blocks.ledger where version_id = $1`, [rows[0].version_id]);
  await database.query(
    `update blocks.blocks set ref_count = 0, delete_after = now() - interval '1 hour' where block_hash = decode($1, 'hex')`,
    [hash],
  );
  await sweep();
  expect(await objectVersions(hash)).toHaveLength(1);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 1 }]);
  expect((await download(user, 'b')).equals(content)).toBe(true);
});

test('what an upload sent and never finalized is collected', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  const hash = await hashOf(content);
  const { send } = await init(user, [await offer('a', content, 0)]);
  await put(send, content);
  await sweep();
  expect(await objectVersions(hash)).toHaveLength(1);

  await passDays(user, 4);
  await endGrace(hash);
  await sweep();
  expect(await objectVersions(hash)).toEqual([]);
  expect(await blockRow(hash)).toBeUndefined();
  const { rows } = await database.query(`select from blocks.pins where user_id = $1`, [shardOf(user).userId]);
  expect(rows).toEqual([]);
});

test('a block under deletion is uploaded anew; the deletion takes the old object only', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  const hash = await hashOf(content);
  const first = await init(user, [await offer('given-up', content, 0)]);
  await put(first.send, content);
  await passDays(user, 4);
  const [doomed] = await objectVersions(hash);
  await beginDeletion(hash, [doomed!]);
  const { upload_id, send } = await init(user, [await offer('kept', content, 0)]);
  expect(send).toMatchObject([{ how: 'put' }]);
  await put(send, content);
  await sweep();
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 1 }]);
  await sweep();
  expect((await download(user, 'kept')).equals(content)).toBe(true);
});

test('a run goes on with a deletion that another one began', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  const hash = await hashOf(content);
  await put((await init(user, [await offer('a', content, 0)])).send, content);
  await passDays(user, 4);
  await beginDeletion(hash, await objectVersions(hash));
  await sweep();
  expect(await objectVersions(hash)).toEqual([]);
  expect(await blockRow(hash)).toBeUndefined();
});

test('counts of versions that never became visible fall after 72 hours, others are confirmed', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  const hash = await hashOf(content);
  await user.save('a', content);
  const { userId } = shardOf(user);
  // As a finalize leaves it that ended between its two databases.
  await database.query(
    `insert into blocks.ledger (version_id, user_id, state, changed_at, block_hashes)
     values ($1, $2, 'raised', now() - interval '73 hours', array[decode($3, 'hex')]),
       ($4, $2, 'raised', now() - interval '71 hours', array[decode($3, 'hex')])`,
    [randomUUID(), userId, hash, randomUUID()],
  );
  await database.query(`update blocks.blocks set ref_count = ref_count + 2 where block_hash = decode($1, 'hex')`, [
    hash,
  ]);
  await database.query(
    `update blocks.ledger set state = 'raised', block_hashes = array[decode($2, 'hex')], changed_at = now() - interval '73 hours'
     where version_id in (select version_id from ${shardOf(user).schema}.file_versions where user_id = $1)`,
    [userId, hash],
  );
  await sweep();
  expect(await blockRow(hash)).toMatchObject({ ref_count: 2 });
  const { rows } = await database.query(`select state from blocks.ledger where user_id = $1 order by state`, [userId]);
  expect(rows).toEqual([{ state: 'confirmed' }, { state: 'raised' }]);
});

test('sweeps at the same time count and delete once', async () => {
  const user = await signUp();
  const kept = randomBytes(100);
  await user.save('kept', kept);
  const contents = Array.from({ length: 5 }, () => randomBytes(100));
  for (const [index, content] of contents.entries()) await user.save('a', content, index);
  await user.save('a', kept, 5);
  await passDays(user, 31);
  await Promise.all([sweep(), sweep(), sweep()]);
  const hashes = await Promise.all(contents.map(hashOf));
  for (const hash of hashes) expect(await blockRow(hash)).toMatchObject({ ref_count: 0 });
  expect(await blockRow(await hashOf(kept))).toMatchObject({ ref_count: 2 });
  await endGrace(...hashes);
  await Promise.all([sweep(), sweep(), sweep()]);
  for (const hash of hashes) expect(await objectVersions(hash)).toEqual([]);
  expect((await download(user, 'kept')).equals(kept)).toBe(true);
});

test('a dry run says what a run would do, and does nothing', async () => {
  const user = await signUp();
  const contents = [randomBytes(100), randomBytes(100)];
  for (const [index, content] of contents.entries()) await user.save('a', content, index);
  await init(user, [await offer('given-up', randomBytes(100), 0)]);
  await passDays(user, 31);
  const report = await sweep({ dry_run: true });
  expect(report).toMatchObject({ dry_run: true, unfinished: false });
  expect(report.versions_expired).toBeGreaterThanOrEqual(1);
  expect(report.changes_forgotten).toBeGreaterThanOrEqual(2);
  expect(report.uploads_expired).toBeGreaterThanOrEqual(1);
  expect(report.pins_expired).toBeGreaterThanOrEqual(1);
  expect(await history(user, 'a')).toHaveLength(2);
  expect((await download(user, 'a', 1)).equals(contents[0]!)).toBe(true);
});

test('changes are kept for 30 days; a cursor from before them is gone', async () => {
  const user = await signUp();
  await user.save('a', randomBytes(10));
  await user.save('a', randomBytes(10), 1);
  await passDays(user, 31);
  await user.save('b', randomBytes(10));
  await sweep();
  errorOf(await user.call('GET', `/changes?device_id=${user.device}&cursor=1`), 'cursor_gone');
  expect(await changes(user, 2)).toMatchObject({ changes: [{ cursor: 3 }], cursor: 3, more: false });
});

test('an upload that is given up gives its space back when it expires', async () => {
  const user = await signUp();
  const { upload_id } = await init(user, [await offer('a', randomBytes(900), 0)]);
  await passDays(user, 4);
  errorOf(await user.finalize(upload_id), 'upload_gone');
  await sweep();
  const { schema, userId } = shardOf(user);
  const { rows } = await database.query(`select reserved_bytes from ${schema}.accounts where user_id = $1`, [userId]);
  expect(rows).toEqual([{ reserved_bytes: 0 }]);
  errorOf(await user.finalize(upload_id), 'upload_gone');
});

test('a pack stays while a content lies in it, and what is left is stored anew when that is little', async () => {
  const user = await signUp();
  const files = Array.from({ length: 4 }, (_, index) => ({ path: `${index}`, content: randomBytes(20_000) }));
  await save(user, files);
  const packOf = async () => Object.values((await locate(user, '3')).packed)[0]!.pack;
  const first = await packOf();
  const gone = await Promise.all(files.slice(0, 3).map(({ content }) => hashOf(content)));
  for (const path of ['0', '1', '2']) await deleteFiles(user, [{ path, base_version: 1 }]);
  await passDays(user, 31);
  await sweep();
  for (const [index, hash] of gone.entries()) {
    await endGrace(first, hash);
    await sweep();
    expect((await packOf()) === first).toBe(index < 2);
  }
  expect((await download(user, '3')).equals(files[3]!.content)).toBe(true);
  expect(await blockRow(first), 'devices have its URL').toMatchObject({ hours_left: 33 * 24 });
});
