import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readChanges } from '../../lambdas/changes/changes.ts';
import { deleteFiles } from '../../lambdas/delete/delete.ts';
import { finalizeUpload } from '../../lambdas/finalize/finalize.ts';
import { healBlocks } from '../../lambdas/heal/heal.ts';
import { locateFiles } from '../../lambdas/locate/locate.ts';
import { moveFiles } from '../../lambdas/move/move.ts';
import { checkProofs } from '../../lambdas/prove/proofs.ts';
import { restoreVersions } from '../../lambdas/restore/restore.ts';
import { within } from '../../lambdas/shared/database/database.ts';
import { personOf } from '../../lambdas/shared/database/rows.ts';
import { findBlock, signUpload } from '../../lambdas/shared/store/block-store.ts';
import { removeOldAnswers } from '../../lambdas/shared/tables/requests.ts';
import { readTree } from '../../lambdas/tree/tree.ts';
import { initUpload } from '../../lambdas/upload-init/upload.ts';
import { finalize, init, send, type Upload, uploadOf } from './client.ts';
import { checkAlways } from './invariants.ts';
import { play } from './run.ts';
import { alone, interleave } from './scheduler.ts';
import { contents, devices, hashes, users, World } from './world.ts';

/*
 * What the service's functions promise, one call after the other, on the databases of the model: their clock can be set,
 * and a mistake shows within a second.
 */

const [user, stranger] = users;
const device_id = devices[0];

let world: World;

beforeAll(async () => {
  world = await World.open();
});
beforeEach(() => world.reset(0));
afterAll(() => world?.close());

function newUpload(path: string, block: number, options: { base?: number; by?: number } = {}): Upload {
  return uploadOf(world, path, [block], options);
}

/** Opens an upload and sends its block. */
async function sent(...words: Parameters<typeof newUpload>): Promise<Upload> {
  const upload = newUpload(...words);
  await alone(async () => {
    await init(world, upload, false);
    await send(world, upload);
  });
  return upload;
}

async function saved(...words: Parameters<typeof newUpload>): Promise<void> {
  const upload = await sent(...words);
  await alone(() => finalize(world, upload));
}

const person = () => personOf(world.databases, user);
const codeOf = (result: object | undefined): string | undefined =>
  result && 'error' in result ? (result.error as { code: string }).code : undefined;

describe('a base that is not the newest', () => {
  beforeEach(async () => {
    await saved('a', 0);
    await saved('a', 1, { base: 1 });
  });

  test('moves nothing', async () => {
    // A place whose numbers have gone further, so that no number comes twice.
    for (const base of [0, 1]) await saved('b', 2 + base, { base });
    const leaving = { request_id: randomUUID(), device_id, files: [{ path: 'b', base_version: 2 }] };
    await deleteFiles(person(), leaving);
    const request = { request_id: randomUUID(), device_id, moves: [{ from: 'a', to: 'b', base_version: 1 }] };
    const [result] = await moveFiles(world.databases, user, request);
    expect(codeOf(result), 'I5: a move of an older version').toBe('stale_version');
  });

  test('deletes nothing', async () => {
    const request = { request_id: randomUUID(), device_id, files: [{ path: 'a', base_version: 1 }] };
    const [result] = await deleteFiles(person(), request);
    expect(codeOf(result), 'I5: a delete of an older version').toBe('stale_version');
  });

  test('restores nothing', async () => {
    const request = { request_id: randomUUID(), device_id, files: [{ path: 'a', version: 1, base_version: 1 }] };
    const [result] = await restoreVersions(world.databases, user, request);
    expect(codeOf(result), 'I5: a restore over an older version').toBe('stale_version');
  });
});

test('a download signs blocks of the version alone, whatever it names', async () => {
  await saved('a', 0);
  await saved('b', 1);
  const lacks = [hashes[0]!, hashes[1]!];
  const { sign } = await locateFiles(world.databases, user, { device_id, files: [{ path: 'a', lacks }] }, true);
  expect(sign, 'I11: a hash is no capability').toEqual([{ hash: hashes[0] }]);
});

describe('an upload whose time is over', () => {
  test('is gone, also while no sweep has come', async () => {
    const upload = await sent('a', 0);
    await world.pass(72);
    const code = await alone(() => finalize(world, upload)).then(
      () => 'done',
      (error) => error.code,
    );
    expect(code, 'I7: finalize after 72 hours').toBe('upload_gone');
  });

  test('counts on nothing in its last minute', async () => {
    const upload = await sent('a', 0);
    await world.pass(72 - 0.5 / 60);
    await alone(async () => {
      expect(await finalize(world, upload), 'I3: a pin that may end within the call').toEqual([hashes[0]]);
    });
  });
});

test('a challenge is answered once, also by calls at the same time', async () => {
  await saved('a', 0, { by: 1 });
  const proofOf = (nonce: string) =>
    createHash('sha256').update(Buffer.from(nonce, 'hex')).update(contents[0]!).digest('hex');
  for (let after = 0; after < 8; after++) {
    const upload = newUpload('a', 0);
    await init(world, upload, true);
    const { upload_id } = upload.request;
    const nonce = (upload.asked![0] as { nonce: string }).nonce;
    const outcomes: Record<string, string> = {};
    const answer = (name: string, proof: string) => ({
      name,
      run: async () => {
        const call = { upload_id, device_id, proofs: [{ hash: hashes[0]!, proof }] };
        const [result] = (await checkProofs(world.databases, user, call)).results;
        outcomes[name] = codeOf(result) ?? 'taken';
      },
    });
    const calls = [answer('wrong', '0'.repeat(64)), answer('right', proofOf(nonce))];
    await interleave(calls, { switches: [{ after, to: 0 }], faults: [] }, []);
    expect(outcomes, 'I11: two answers to one challenge').not.toEqual({ wrong: 'content_mismatch', right: 'taken' });
  }
});

test('a signed upload fixes content, length and sender', async () => {
  const { url } = await signUpload(hashes[0]!, contents[0]!.length, 'token');
  const signed = new URL(url).searchParams.get('X-Amz-SignedHeaders')!.split(';');
  expect(signed, 'A2: what the signature covers').toEqual(
    expect.arrayContaining(['content-length', 'x-amz-checksum-sha256', 'x-amz-meta-upload']),
  );
});

test('a block that was taken up again and given up goes with every object that it had', async () => {
  await play(world, {
    crossUser: false,
    skewMinutes: 0,
    remains: ['deleting'],
    rounds: [
      {
        hours: 0,
        actions: [
          {
            do: 'upload',
            user: 0,
            device: 0,
            files: [{ path: 0, blocks: [0] }],
            upTo: 'send',
            delta: false,
            stale: false,
          },
        ],
        switches: [],
        faults: [],
      },
    ],
  });
  expect(world.store.versionCount).toBe(0);
});

test('changes come in pages, each once and in order', async () => {
  for (const [index, path] of ['a', 'b', 'c'].entries()) await saved(path, index);
  const cursors: number[] = [];
  for (let more = true; more; ) {
    const page = await readChanges(person(), { device_id, cursor: cursors.at(-1) ?? 0, limit: 2 });
    cursors.push(...page.changes.map(({ cursor }) => cursor));
    more = page.more;
  }
  expect(cursors, 'I8: pages of changes').toEqual([1, 2, 3]);
});

test('a move changes the hashes of the directories that it leaves and that it enters', async () => {
  await saved('one/a', 0);
  await saved('one/b', 0);
  await saved('two/c', 1);
  const read = async (path: string) =>
    (await readTree(person(), { device_id, path, limit: 10 }, Number.POSITIVE_INFINITY)).hash;
  const before = [await read('one'), await read('two')];
  const moves = [{ from: 'one/a', to: 'two/a', base_version: 1 }];
  await moveFiles(world.databases, user, { request_id: randomUUID(), device_id, moves });
  const after = [await read('one'), await read('two')];
  expect(after[0], 'I12: the directory that was left').not.toBe(before[0]);
  expect(after[1], 'I12: the directory that was entered').not.toBe(before[1]);
});

test('the quota is given to the last byte, what is reserved included, and no further', async () => {
  const policy = { crossUser: false, defaultQuota: contents[0]!.length + contents[1]!.length };
  const refusedOf = async (path: string, block: number) =>
    codeOf((await initUpload(world.databases, user, newUpload(path, block).request, policy)).refused[0]);
  expect(await refusedOf('a', 0)).toBeUndefined();
  expect(await refusedOf('b', 1), 'I22: the last bytes of the quota').toBeUndefined();
  expect(await refusedOf('c', 2), 'I22: beyond the quota').toBe('quota_exceeded');
});

test('a call that comes again when its answer is forgotten takes nothing back', async () => {
  await saved('a', 0);
  await saved('a', 1, { base: 1 });
  const request = { request_id: randomUUID(), device_id, files: [{ path: 'a', version: 1, base_version: 2 }] };
  await restoreVersions(world.databases, user, request);
  await world.pass(73);
  await within(person(), (rows) => removeOldAnswers(rows, 10));
  const [again] = await restoreVersions(world.databases, user, request);
  expect(codeOf(again)).toBe('stale_version');
  await checkAlways(world, []);
});

test('of two calls that race under one request id one is refused, and nothing stays counted for it', async () => {
  let refused = 0;
  for (let after = 0; after < 14; after++) {
    await world.reset(0);
    await saved('a', 0);
    await saved('a', 1, { base: 1 });
    const request_id = randomUUID();
    const call = (version: number) => ({
      name: `version ${version}`,
      run: async () => {
        const files = [{ path: 'b', from: 'a', version, base_version: 0 }];
        await restoreVersions(world.databases, user, { request_id, device_id, files }).catch((error) => {
          expect(error.code).toBe('bad_request');
          refused++;
        });
      },
    });
    await interleave([call(1), call(2)], { switches: [{ after, to: 0 }], faults: [] }, []);
    const references = await checkAlways(world, []);
    const { rows } = await world.databases.blocks.query<{ hash: string; count: number }>(
      "select encode(block_hash, 'hex') as hash, ref_count as count from blocks.counts",
    );
    const counts = new Map(rows.map(({ hash, count }) => [hash, count]));
    expect(counts, `I2: after step ${after}, a count of a call that was refused`).toEqual(references);
  }
  expect(refused).toBe(14);
});

describe('of another user', () => {
  /** Both users in one shard. */
  const together = () => ({ ...world.databases, shardOf: () => world.databases.shards[0]! });

  beforeEach(async () => {
    const { sql, schema } = person();
    await sql.query(`insert into ${schema}.accounts (user_id) values ('${stranger}')`);
    await sql.query(
      `insert into ${schema}.devices (user_id, device_id, name) values ('${stranger}', '${device_id}', 'model');
       insert into ${schema}.sign_ins (user_id, sign_in, device_id) values ('${stranger}', 'model', '${device_id}')`,
    );
    await saved('a', 0);
  });

  test('no path is found', async () => {
    const files = [{ path: 'a' }, { path: 'a', version: 1 }];
    const located = await locateFiles(together(), stranger, { device_id, files }, true);
    expect(located.files.map(codeOf), 'I11: paths of another user').toEqual(['not_found', 'not_found']);
    expect(located.sign).toEqual([]);
  });

  test('no content is at hand, nor taken for one that was sent', async () => {
    const { request } = newUpload('a', 0);
    const policy = { crossUser: false, defaultQuota: 1e9 };
    const { send: asked, refused } = await initUpload(together(), stranger, request, policy);
    expect(refused, 'I11: a path of another user').toEqual([]);
    expect(asked, 'I11: a block of another user').toMatchObject([{ how: 'put' }]);
    const { missing } = await finalizeUpload(together(), stranger, { upload_id: request.upload_id, device_id });
    expect(missing, 'I11: an object that another user sent').toEqual([hashes[0]]);
  });
});

test('a damaged object heals nothing', async () => {
  await saved('a', 0);
  const { version } = (await findBlock(hashes[0]!))!;
  await world.databases.blocks.query("update blocks.blocks set state = 'quarantined', damaged_version = $1", [version]);
  const wanted = await healBlocks(world.databases, user, { device_id, hashes: [hashes[0]!] });
  expect(wanted, 'I25: a block whose only object is damaged').toMatchObject([{ hash: hashes[0] }]);
});
