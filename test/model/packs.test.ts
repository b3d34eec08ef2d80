import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import { collectBlocks } from '../../lambdas/gc/collect-blocks.ts';
import { locateFiles } from '../../lambdas/locate/locate.ts';
import { quarantine } from '../../lambdas/shared/commit/quarantine.ts';
import { pinPacks, receivePacks } from '../../lambdas/shared/commit/sent-packs.ts';
import { deleteObjectVersion, findBlock, signUpload } from '../../lambdas/shared/store/block-store.ts';
import { limits } from '../../protocol/limits.ts';
import { finalize, init, save, send, type Upload, uploadOf } from './client.ts';
import { checkAlways } from './invariants.ts';
import { alone } from './scheduler.ts';
import { contents, devices, hashes, users, World } from './world.ts';

/* Contents in packs beside objects that come, go and are bad. */

const packed = hashes.length - 1;
const hash = hashes[packed]!;
const device_id = devices[0];

let world: World;

beforeAll(async () => {
  world = await World.open();
});
beforeEach(() => world.reset(0));
afterAll(() => world?.close());

function newUpload(by: number, path: string): Upload {
  return uploadOf(world, path, [packed], { by });
}

async function packsOf(user: number, path: string): Promise<string[]> {
  const request = { device_id, files: [{ path }] };
  return Object.keys((await locateFiles(world.databases, users[user]!, request, true)).packed);
}

test('a pack is used for as long as a content lies in it', async () => {
  await save(world, newUpload(0, 'a'));
  // As of one that other contents left long ago.
  await world.databases.blocks.query(
    "update blocks.blocks set delete_after = now() - interval '1 hour' where delete_after = 'infinity'",
  );
  await world.pass(100);
  while ((await collectBlocks(world.databases.blocks, 10, Number.POSITIVE_INFINITY)).deleted > 0);
  await checkAlways(world, []);
  expect(await packsOf(0, 'a')).toEqual([hash]);
});

test('who has lost his object is asked for it, and is not given the pack of another', async () => {
  await save(world, newUpload(0, 'a'));
  const upload = newUpload(1, 'b');
  await alone(async () => {
    await init(world, upload, false);
    await send(world, upload);
    await finalize(world, upload);
  });
  const { blocks } = world.databases;
  await deleteObjectVersion(hash, (await findBlock(hash))!.version);
  expect(await quarantine(blocks, hash, undefined)).toBe(true);
  const { rows } = await blocks.query<{ state: string }>('select state from blocks.blocks where block_hash = $1', [
    Buffer.from(hash, 'hex'),
  ]);
  expect(rows[0]!.state, 'I25: a block that one of its users cannot read').toBe('quarantined');
  expect(await packsOf(1, 'b'), 'I73: the pack of another').toEqual([]);
  expect(await packsOf(0, 'a')).toEqual([hash]);
});

test('a pack that was sent stays for the save of its user, and no longer than one may come', async () => {
  const { blocks } = world.databases;
  const bytes = Buffer.from(encodeDelta(Buffer.alloc(0), contents[packed]!));
  const pack = { hash: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
  const tokenOf = async (user: number): Promise<string> =>
    (await pinPacks(blocks, users[user]!, [pack])).get(pack.hash)!;
  const came = async (user: number): Promise<string[]> => [
    ...(await receivePacks(blocks, users[user]!, [pack])).keys(),
  ];
  const collect = async (): Promise<void> => {
    while ((await collectBlocks(blocks, 10, Number.POSITIVE_INFINITY)).deleted > 0);
  };

  const { url, headers } = await signUpload(pack.hash, pack.size, await tokenOf(0));
  expect((await fetch(url, { method: 'PUT', headers, body: bytes })).status).toBe(200);
  await world.pass(limits.uploadHours - 1);
  await collect();
  expect(await came(0)).toEqual([pack.hash]);
  await tokenOf(1);
  expect(await came(1), 'I73: a pack that another has sent').toEqual([]);
  await checkAlways(world, []);

  await world.pass(2 * limits.uploadHours);
  await collect();
  expect(await came(0)).toEqual([]);
  expect(await findBlock(pack.hash), 'I1: a pack that no save has used').toBeUndefined();
});
