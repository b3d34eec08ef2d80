import { randomBytes, randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Device } from '../../local/demo/devices/device.ts';
import { firstDifference } from '../../local/demo/tour/folders.ts';
import { download, offerHealing } from '../service/support/calls.ts';
import { admin } from '../support/admin.ts';
import { putObject } from '../support/bucket.ts';
import { scratch } from '../support/scratch.ts';
import { damageBlock, loseBlock, sweep } from '../support/storage.ts';
import { blocksOf, type User } from '../support/user.ts';
import { shardOfUser, signUpOn, startTwo, type TwoClusters } from './clusters.ts';

let two: TwoClusters;

beforeAll(async () => {
  two = await startTwo();
});
afterAll(async () => {
  await two.stop();
});

const hashOf = async (content: Uint8Array): Promise<string> => (await blocksOf(content))[0]!.hash;

/** A whole audit that reads every content; answers its findings. */
async function audit(): Promise<Record<string, unknown>[]> {
  const { code, lines, said } = await admin(two.service, 'audit', '--sample', '100');
  const findings = lines.slice(0, -1);
  expect(code, said).toBe(findings.length > 0 ? 4 : 0);
  return findings;
}

async function save(user: User, path: string): Promise<{ content: Buffer; hash: string }> {
  const content = randomBytes(1000);
  await user.save(path, content);
  return { content, hash: await hashOf(content) };
}

test('the shards are listed with what they hold, on both clusters', async () => {
  const [one, other] = [await signUpOn(two, 'a'), await signUpOn(two, 'b')];
  await save(one, 'file');
  const { code, lines } = await admin(two.service, 'shards');
  expect(code).toBe(0);
  expect(lines).toHaveLength(64);
  const shards = await Promise.all([one, other].map((user) => shardOfUser(two, user)));
  expect(lines[shards[0]!.number]).toMatchObject({ cluster: 'a', files: 1, bytes: 1000 });
  expect(lines[shards[1]!.number]).toMatchObject({ cluster: 'b', files: 0, bytes: 0 });
});

test('an audit of a busy service finds nothing', async () => {
  const users = [await signUpOn(two, 'a'), await signUpOn(two, 'b')];
  let busy = true;
  const work = users.map(async (user) => {
    const common = randomBytes(500);
    let rounds = 0;
    for (; busy; rounds++) {
      const path = `file ${rounds}`;
      await user.save(path, rounds % 2 === 0 ? common : randomBytes(100));
      const request = { request_id: randomUUID(), device_id: user.device };
      await user.call('POST', '/move', { ...request, moves: [{ from: path, to: `moved ${rounds}`, base_version: 1 }] });
      const files = [{ path: `moved ${rounds}`, base_version: 2 }];
      await user.call('POST', '/delete', { ...request, request_id: randomUUID(), files });
    }
    return rounds;
  });
  try {
    for (let run = 0; run < 3; run++) expect(await audit()).toEqual([]);
  } finally {
    busy = false;
  }
  for (const rounds of await Promise.all(work)) expect(rounds).toBeGreaterThan(2);
});

test('an audit finds each kind of wrong count, and changes none', async () => {
  const user = await signUpOn(two, 'b');
  const { schema, pool } = await shardOfUser(two, user);
  const [high, low, lost, booked] = await Promise.all(
    ['high', 'low', 'lost', 'booked'].map((name) => save(user, name)),
  );
  const bytes = ({ hash }: { hash: string }) => Buffer.from(hash, 'hex');
  const { database } = two.service;
  await user.save('low again', low!.content);
  await database.query('update blocks.blocks set ref_count = ref_count + 2 where block_hash = $1', [bytes(high!)]);
  await database.query('update blocks.blocks set ref_count = ref_count - 1 where block_hash = $1', [bytes(low!)]);
  await database.query('delete from blocks.blocks where block_hash = $1', [bytes(lost!)]);
  await pool.query(`update ${schema}.held_blocks set versions = 5 where block_hash = $1`, [bytes(booked!)]);

  const expected = [
    { kind: 'count-drift', hash: high!.hash, counted: 3, actual: 1 },
    { kind: 'count-drift', hash: low!.hash, counted: 1, actual: 2 },
    { kind: 'count-drift', hash: lost!.hash, counted: 0, actual: 1 },
    { kind: 'orphan', key: lost!.hash },
    { kind: 'hold-drift', hash: booked!.hash, booked: 5, actual: 1 },
    { kind: 'count-drift', hash: booked!.hash, counted: 1, actual: 5 },
  ];
  for (let run = 0; run < 2; run++) {
    const findings = await audit();
    expect(findings).toHaveLength(expected.length);
    for (const finding of expected) expect(findings).toContainEqual(expect.objectContaining(finding));
  }

  await database.query('update blocks.blocks set ref_count = 1 where block_hash = $1', [bytes(high!)]);
  await database.query('update blocks.blocks set ref_count = 2 where block_hash = $1', [bytes(low!)]);
  await pool.query(`update ${schema}.held_blocks set versions = 1 where block_hash = $1`, [bytes(booked!)]);
  await database.query(
    `insert into blocks.blocks (block_hash, state, ref_count, size_bytes) values ($1, 'live', 1, 1000)`,
    [bytes(lost!)],
  );
  expect(await audit()).toEqual([]);
});

test('what a finalize or an expiry has under way is no drift', async () => {
  const user = await signUpOn(two, 'b');
  const [raised, reopened] = [await save(user, 'raised'), await save(user, 'reopened')];
  const { database } = two.service;
  const key = ({ hash }: { hash: string }) => Buffer.from(hash, 'hex');
  const version = randomUUID();
  await database.query(
    `insert into blocks.ledger (version_id, user_id, state, block_hashes) values ($1, $2, 'raised', $3)`,
    [version, randomUUID(), [key(raised)]],
  );
  await database.query('update blocks.blocks set ref_count = 2 where block_hash = $1', [key(raised)]);
  const { schema, pool } = await shardOfUser(two, user);
  const { rows } = await pool.query<{ version_id: string }>(
    `select version_id from ${schema}.file_versions where block_hashes = $1`,
    [[key(reopened)]],
  );
  await database.query(`update blocks.ledger set state = 'raised', block_hashes = $2 where version_id = $1`, [
    rows[0]!.version_id,
    [key(reopened)],
  ]);
  expect(await audit()).toEqual([]);
  await database.query('delete from blocks.ledger where version_id = $1', [version]);
  expect(await audit()).toEqual([{ kind: 'count-drift', hash: raised.hash, counted: 2, actual: 1 }]);
  await database.query('update blocks.blocks set ref_count = 1 where block_hash = $1', [key(raised)]);
});

test('a missing, a corrupt and a mislabelled block are quarantined, and healed by whoever uploads the content', async () => {
  const [user, stranger] = [await signUpOn(two, 'a'), await signUpOn(two, 'b')];
  const [missing, corrupt] = [await save(user, 'missing'), await save(user, 'corrupt')];
  const mislabelled = await save(user, 'mislabelled');
  await loseBlock(two.service, missing.hash);
  await damageBlock(two.service.data, corrupt.hash);
  await putObject(two.service.data, mislabelled.hash, { Body: mislabelled.content, ContentEncoding: 'gzip' });
  // The CDN gets to know, and goes on serving, what is damaged.
  expect((await download(user, 'corrupt')).equals(corrupt.content)).toBe(false);
  const found = await audit();
  expect(found).toHaveLength(3);
  expect(found).toContainEqual({ kind: 'missing', hash: missing.hash });
  expect(found).toContainEqual({ kind: 'corrupt', hash: corrupt.hash });
  expect(found).toContainEqual({ kind: 'mislabelled', hash: mislabelled.hash });
  expect((await audit()).map(({ kind }) => kind)).toEqual(['quarantined', 'quarantined', 'quarantined']);

  for (const { content } of [missing, corrupt, mislabelled]) {
    const { upload_id, answer } = await stranger.begin(randomUUID(), content);
    expect(answer.send).toMatchObject([{ how: 'put' }]);
    expect(await stranger.finalize(upload_id)).toMatchObject({ status: 422, body: { code: 'blocks_missing' } });
    await stranger.send(answer, content);
    expect(await stranger.finalize(upload_id)).toMatchObject({ status: 200 });
  }
  expect(await audit()).toEqual([]);
  expect((await download(user, 'missing')).equals(missing.content)).toBe(true);
  expect((await download(user, 'corrupt')).equals(corrupt.content)).toBe(true);
});

test('a file whose block is quarantined can be moved and deleted, and its block is collected at last', async () => {
  const user = await signUpOn(two, 'b');
  const { hash } = await save(user, 'broken');
  await loseBlock(two.service, hash);
  await audit();
  const request = () => ({ request_id: randomUUID(), device_id: user.device });
  const moves = [{ from: 'broken', to: 'moved', base_version: 1 }];
  expect(await user.call('POST', '/move', { ...request(), moves })).toMatchObject({ status: 200 });
  const files = [{ path: 'moved', base_version: 2 }];
  expect(await user.call('POST', '/delete', { ...request(), files })).toMatchObject({ status: 200 });
  expect(await audit()).toEqual([{ kind: 'quarantined', hash }]);

  const { schema, pool } = await shardOfUser(two, user);
  for (const statement of [
    `update ${schema}.file_versions set superseded_at = superseded_at - interval '31 days'`,
    `update ${schema}.changes set created_at = created_at - interval '31 days'`,
  ]) {
    await pool.query(statement);
  }
  await sweep(two.service);
  await two.service.database.query("update blocks.blocks set delete_after = now() where state = 'quarantined'");
  await sweep(two.service);
  expect(await audit()).toEqual([]);
});

test('only a user who holds a damaged block is told of it', async () => {
  const [user, stranger] = [await signUpOn(two, 'a'), await signUpOn(two, 'a')];
  const { content, hash } = await save(user, 'mine');
  await damageBlock(two.service.data, hash);
  await audit();
  const listed = (who: User) => who.call('GET', `/heal?device_id=${who.device}`);
  expect(await listed(user)).toMatchObject({ status: 200, body: { hashes: [hash] } });
  expect(await listed(stranger)).toMatchObject({ status: 200, body: { hashes: [] } });
  const heal = async (who: User) => await offerHealing(who, hash);
  expect(await heal(stranger)).toEqual([]);
  expect(await audit()).toMatchObject([{ kind: 'quarantined' }]);

  const [block] = await heal(user);
  const wrong = await fetch(block!.url, { method: 'PUT', headers: block!.headers, body: randomBytes(content.length) });
  expect(wrong.status).toBe(400);
  expect(await heal(user)).toHaveLength(1);
  const { ok } = await fetch(block!.url, { method: 'PUT', headers: block!.headers, body: new Uint8Array(content) });
  expect(ok).toBe(true);
  expect(await heal(user)).toEqual([]);
  expect(await audit()).toEqual([]);
});

test('whatever is damaged of others, nobody is told of a hash but of his own', async () => {
  const [user, stranger] = [await signUpOn(two, 'a'), await signUpOn(two, 'b')];
  const { hash } = await save(user, 'mine');
  const { database } = two.service;
  await database.query(
    `insert into blocks.blocks (block_hash, state, size_bytes, delete_after)
     select decode(lpad(to_hex(n), 64, '0'), 'hex'), 'quarantined', 1, now() + interval '1 hour'
     from generate_series(1, 1500) n`,
  );
  await database.query(`update blocks.blocks set state = 'quarantined' where block_hash = decode($1, 'hex')`, [hash]);
  onTestFinished(async () => {
    await database.query(`delete from blocks.blocks where state = 'quarantined' and ref_count = 0`);
    await database.query(`update blocks.blocks set state = 'live' where state = 'quarantined'`);
  });
  for (const after of ['', `&after=${'0'.repeat(64)}`]) {
    const listed = async (who: User) => (await who.call('GET', `/heal?device_id=${who.device}${after}`)).body;
    expect(await listed(stranger)).toEqual({ hashes: [] });
    expect(await listed(user)).toEqual({ hashes: [hash] });
  }
});

test('the client sends what the service has lost', async () => {
  const { cloud, database } = two.service;
  const credentials = { username: 'healer@tidemark.example', password: 'Correct-horse-1' };
  await cloud.services.createUser(cloud.outputs.UserPoolId!, credentials);
  const folder = await scratch('tidemark-healer-');
  const device = async (name: string): Promise<Device> => {
    const made = new Device(name, join(folder, name), join(folder, 'config', name));
    await made.signIn({ url: cloud.urls.api, ca: cloud.ca, ...credentials });
    onTestFinished(() => made.stopSync());
    return made;
  };
  onTestFinished(() => rm(folder, { recursive: true }));
  const [desk, lap] = [await device('desk'), await device('lap')];
  const contents = [randomBytes(100_000), randomBytes(5_000_000)];
  desk.startSync((reason) => expect.fail(reason));
  for (const [index, content] of contents.entries()) await writeFile(join(desk.folder, `file ${index}`), content);
  const uploaded = () => desk.events.filter(({ event }) => event === 'uploaded').length;
  await expect.poll(uploaded).toBe(2);
  await desk.stopSync();
  const [small, big] = (await Promise.all(contents.map(blocksOf))).flat();
  await loseBlock(two.service, small!.hash);
  await damageBlock(two.service.data, big!.hash);
  expect(await audit()).toHaveLength(2);

  desk.startSync((reason) => expect.fail(reason));
  const quarantined = async () =>
    (await database.query("select from blocks.blocks where state = 'quarantined'")).rowCount;
  await expect.poll(quarantined).toBe(0);
  expect(await audit()).toEqual([]);
  lap.startSync((reason) => expect.fail(reason));
  await expect.poll(() => firstDifference(desk.folder, lap.folder).catch(String)).toBeUndefined();
});
