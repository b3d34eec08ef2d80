import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import { auditContentBytes } from '../../lambdas/admin/audit/content-bytes.ts';
import { collectBlocks } from '../../lambdas/gc/collect-blocks.ts';
import { healBlocks } from '../../lambdas/heal/heal.ts';
import { locateFiles } from '../../lambdas/locate/locate.ts';
import { saveFiles } from '../../lambdas/save/save.ts';
import { quarantine } from '../../lambdas/shared/commit/quarantine.ts';
import type { Database, Shard } from '../../lambdas/shared/database/rows.ts';
import { deleteObjectVersion, findBlock } from '../../lambdas/shared/store/block-store.ts';
import { finalize, init, save, send, type Upload, uploadOf } from './client.ts';
import { checkAlways } from './invariants.ts';
import { alone } from './scheduler.ts';
import { contents, devices, hashes, users, World } from './world.ts';

/* Contents in rows beside objects that come, go and are bad. */

const [hash] = hashes as [string];
const device_id = devices[0];

let world: World;

beforeAll(async () => {
  world = await World.open();
});
beforeEach(() => world.reset(0));
afterAll(() => world?.close());

function newUpload(by: number, path: string): Upload {
  return uploadOf(world, path, [0], { by });
}

async function sent(upload: Upload): Promise<void> {
  await alone(async () => {
    await init(world, upload, false);
    await send(world, upload);
  });
}

async function located(user: number, path: string): Promise<{ sign: unknown[]; contents: string[] }> {
  const request = { device_id, files: [{ path }] };
  const { sign, contents } = await locateFiles(world.databases, users[user]!, request, true);
  return { sign, contents: Object.keys(contents) };
}

async function stateOf(): Promise<unknown> {
  const { rows } = await world.databases.blocks.query(
    "select state, objects from blocks.blocks where block_hash = decode($1, 'hex')",
    [hash],
  );
  return rows[0];
}

test('an object that was about to go when its block was taken up in a row is not taken for one that came', async () => {
  await world.leave(['rows']);
  const upload = newUpload(0, 'a');
  await sent(upload);
  const { version } = (await findBlock(hash))!;
  // The pin of who has not shown that he has the content keeps nothing any more; what collection lists does not go yet.
  await world.pass(71.5);
  await collectBlocks(world.databases.blocks, 10, 0);
  expect(await stateOf()).toEqual({ state: 'deleting', objects: 'expected' });
  await save(world, newUpload(1, 'b'));
  await alone(async () => {
    expect(await finalize(world, upload), 'I1: an object that is being deleted').toEqual([hash]);
  });
  await deleteObjectVersion(hash, version);
  await checkAlways(world, []);
  // Sent once more, it is another object.
  await sent(upload);
  await alone(async () => expect(await finalize(world, upload)).toEqual([]));
  await checkAlways(world, []);
  const inStore = { sign: [{ hash }], contents: [] };
  expect(await located(0, 'a'), 'I42: that somebody else has it in a row').toEqual(inStore);
  expect(await located(1, 'b')).toEqual({ sign: [], contents: [hash] });
});

test('where an object is lost and rows have its content, these are read, and nobody is asked for it', async () => {
  await save(world, newUpload(0, 'a'));
  const upload = newUpload(1, 'b');
  await sent(upload);
  await alone(() => finalize(world, upload));
  expect(await stateOf()).toEqual({ state: 'live', objects: 'there' });
  await deleteObjectVersion(hash, (await findBlock(hash))!.version);
  expect(await quarantine(world.databases.blocks, hash, undefined)).toBe(true);
  expect(await stateOf()).toEqual({ state: 'live', objects: 'expected' });
  expect(await located(1, 'b'), 'I63: what another sent, of what one has').toEqual({ sign: [], contents: [hash] });
  await checkAlways(world, []);
});

test('a row that is bad is removed when a device says so; what has nothing else is asked for, and heals by a save', async () => {
  const { blocks } = world.databases;
  await save(world, newUpload(0, 'a'));
  const spoil = () =>
    blocks.query('update blocks.contents set encoded = set_byte(encoded, 0, 0) where user_id = $1', [users[0]]);
  const suspect = () => healBlocks(world.databases, users[0], { device_id, hashes: [hash], suspects: [hash] });
  await spoil();
  expect(await suspect(), 'I25: a block without any content').toMatchObject([{ hash }]);
  expect(await stateOf()).toMatchObject({ state: 'quarantined' });
  await save(world, newUpload(1, 'b'));
  expect(await stateOf()).toMatchObject({ state: 'live' });
  expect(await located(0, 'a')).toEqual({ sign: [], contents: [hash] });
  await checkAlways(world, []);
});

test('a block that comes in a row is looked for in the store for as long as an upload may send its object', async () => {
  const upload = newUpload(0, 'a');
  await alone(() => init(world, upload, false));
  await save(world, newUpload(1, 'b'));
  expect(await stateOf()).toEqual({ state: 'live', objects: 'expected' });
  await world.databases.blocks.query(
    'delete from blocks.blocks; delete from blocks.contents; delete from blocks.content_bytes; delete from blocks.ledger',
  );
  await save(world, newUpload(1, 'c'));
  expect(await stateOf(), 'I63: a block whose object may still come').toEqual({ state: 'live', objects: 'expected' });
});

test('a save that was cut off once its content was counted is finished by finalize, to which nothing is sent again', async () => {
  const [shard] = world.databases.shards as [Shard<Database>];
  let transactions = 0;
  const connect = async () => {
    if (++transactions > 1) throw new Error('cut off');
    return await shard.sql.connect();
  };
  const databases = { ...world.databases, shardOf: () => ({ ...shard, sql: { ...shard.sql, connect } }) };
  const upload = newUpload(0, 'a');
  await expect(save(Object.create(world, { databases: { value: databases } }), upload)).rejects.toThrow('cut off');
  await alone(async () => expect(await finalize(world, upload), 'I63: what came with a save').toEqual([]));
  expect(await located(0, 'a')).toEqual({ sign: [], contents: [hash] });
  await checkAlways(world, []);
});

test('what came with a save for a file that waits for more is not asked for again', async () => {
  const upload = uploadOf(world, 'a', [0, 1]);
  const encoded = encodeDelta(Buffer.alloc(0), contents[0]!);
  const sent = { hash, size: contents[0]!.length, bytes: encoded.length };
  const body = { header: { ...upload.request, contents: [sent] }, contents: [encoded] };
  const { missing } = await saveFiles(world.databases, users[0], body, 1e9);
  expect(missing).toEqual([hashes[1]]);
  await alone(() => init(world, upload, false));
  expect(upload.asked, 'I3: what an upload has shown').toMatchObject([{ hash: hashes[1] }]);
  await checkAlways(world, []);
});

test('an audit says whose bytes in rows are booked wrong, and of what is right nothing', async () => {
  await save(world, newUpload(0, 'a'));
  await save(world, newUpload(1, 'b'));
  const { blocks } = world.databases;
  const findings = async () => (await auditContentBytes(blocks)).findings;
  expect(await findings()).toEqual([]);
  await blocks.query('update blocks.content_bytes set bytes = bytes + 7 where user_id = $1', [users[0]]);
  await blocks.query('delete from blocks.content_bytes where user_id = $1', [users[1]]);
  const { rows } = await blocks.query<{ bytes: number }>('select octet_length(encoded) as bytes from blocks.contents');
  const { bytes } = rows[0]!;
  expect(await findings(), 'I63: what is booked of small contents').toEqual(
    [
      { kind: 'content-drift', user_id: users[0], booked: bytes + 7, actual: bytes },
      { kind: 'content-drift', user_id: users[1], booked: 0, actual: bytes },
    ].toSorted((one, other) => (one.user_id < other.user_id ? -1 : 1)),
  );
});
