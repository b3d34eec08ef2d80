import { randomBytes, randomUUID } from 'node:crypto';
import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { compileIgnores } from '../../client/disk/ignore.ts';
import { scan } from '../../client/disk/scan.ts';
import type { Api } from '../../client/service/api.ts';
import { ServiceError } from '../../client/service/errors.ts';
import { catchUp } from '../../client/steps/catch-up.ts';
import type { Sync } from '../../client/steps/context.ts';
import type { UploadInitRequest } from '../../protocol/upload-init.ts';
import { type Account, openAccount } from './account.ts';
import { upload } from './carry-out.ts';

let account: Account;
let sync: Sync | undefined;
let devices = 0;

beforeAll(async () => {
  account = await openAccount();
});
afterEach(() => {
  vi.useRealTimers();
  sync?.state.close();
  sync = undefined;
});
afterAll(() => account.close());

/** Puts what the disk holds into the local tree. */
async function look({ root, pool, state }: Sync): Promise<void> {
  const { found } = await scan([''], {
    root,
    folderId: state.folderId,
    pool,
    ignores: compileIgnores(''),
    known: new Map(),
  });
  for (const [path, entry] of found) state.set('local', path, entry);
}

/** A device whose folder holds these files, looked at and not yet uploaded. */
async function lookedAt(files: Record<string, Uint8Array>, replace?: (api: Api) => Partial<Api>): Promise<Sync> {
  const device = await account.device(`device ${++devices}`);
  for (const [path, content] of Object.entries(files)) await writeFile(join(device.folder, path), content);
  sync = await account.openSync(device, replace);
  await catchUp(sync);
  await look(sync);
  return sync;
}

const create = (...paths: string[]): { path: string; base_version: number }[] =>
  paths.map((path) => ({ path, base_version: 0 }));

type OfferedFile = UploadInitRequest['files'][number];

function withOtherContent(file: OfferedFile): OfferedFile {
  return { ...file, blocks: file.blocks.map(({ size }) => ({ hash: randomBytes(32).toString('hex'), size })) };
}

describe('an upload', () => {
  test('of which one file is gone commits the others, and asks for another look at that one', async () => {
    const it = await lookedAt({ stays: randomBytes(5000), goes: randomBytes(5000) });
    await unlink(join(it.root, 'goes'));
    await upload(it, create('goes', 'stays'));
    expect([...it.state.trees.synced.keys()]).toEqual(['stays']);
    expect([...it.notices.unseen]).toEqual(['goes']);
    expect(it.state.problems()).toEqual([]);
  });

  test('whose blocks the service misses is tried again in the same session, whole', async () => {
    const content = randomBytes(5_000_000);
    const sessions: string[] = [];
    const asked: number[] = [];
    let offered: UploadInitRequest | undefined;
    // One of the same device would overtake the session.
    const other = await account.openSync(await account.device(`device ${++devices}`));
    onTestFinished(() => other.state.close());
    const it = await lookedAt({ lost: content }, (api) => ({
      uploadInit: async (request) => {
        const answer = await api.uploadInit(request);
        offered = request;
        sessions.push(request.upload_id);
        asked.push(answer.body.send.length);
        return answer;
      },
      finalize: async (request) => {
        if (sessions.length > 1) return api.finalize(request);
        // What the service says of a session of which nothing was sent.
        const unsent = { upload_id: randomUUID(), device_id: other.device.id };
        await other.api.uploadInit({ ...unsent, files: offered!.files.map(withOtherContent) });
        return api.finalize({ ...request, upload_id: unsent.upload_id });
      },
    }));
    await upload(it, create('lost'));
    expect([it.failures.countAt('lost'), it.state.problems()]).toEqual([1, []]);
    expect(it.state.sentBlocks(sessions[0]!), 'what is taken for sent').toEqual(new Map());
    await upload(it, create('lost'));
    expect(it.state.trees.synced.get('lost')).toMatchObject({ size: content.length, version: 1 });
    expect(new Set(sessions).size).toBe(1);
    expect(asked).toEqual([2, 2]);
    expect(it.failures.size).toBe(0);
  });

  test('that the service breaks goes on in the same session, which reserves its space once', async () => {
    const sessions = new Set<string>();
    let calls = 0;
    const it = await lookedAt({ file: randomBytes(5000) }, (api) => ({
      uploadInit: async (request) => {
        sessions.add(request.upload_id);
        return api.uploadInit(request);
      },
      finalize: async (request) => {
        if (++calls < 3) throw new ServiceError('internal', 500, 'broken');
        return api.finalize(request);
      },
    }));
    for (let attempt = 0; attempt < 3; attempt++) await upload(it, create('file'));
    expect(sessions.size).toBe(1);
    expect([...it.state.trees.synced.keys()]).toEqual(['file']);
  });

  test('whose delta comes from a damaged block of the cache sends the block whole, and drops the damaged one', async () => {
    const content = randomBytes(100_000);
    const current = await lookedAt({ 'edited.bin': content });
    await upload(current, create('edited.bin'));
    const old = current.state.trees.remote.get('edited.bin')!;
    const { hash } = old.blocks[0]!;
    const damaged = Buffer.from(content).fill(0, 0, 30_000);
    await writeFile(current.cache.placeOf(hash)!.path, damaged);
    await writeFile(join(current.root, 'edited.bin'), Buffer.from(damaged).fill(1, 50_000, 50_100));
    await look(current);
    await upload(current, [{ path: 'edited.bin', base_version: old.version }]);
    expect(current.failures.size).toBe(0);
    expect(current.state.trees.remote.get('edited.bin')).toMatchObject({
      version: old.version + 1,
      blocks: current.state.trees.local.get('edited.bin')!.blocks,
    });
    expect(current.cache.has(hash)).toBe(false);
  });

  test('of a file that changed after the last look asks for another look, and sends nothing of it', async () => {
    const content = randomBytes(100_000);
    const current = await lookedAt({ 'unsettled.bin': content });
    await upload(current, create('unsettled.bin'));
    const old = current.state.trees.remote.get('unsettled.bin')!;
    const edit = (fill: number) =>
      writeFile(join(current.root, 'unsettled.bin'), Buffer.from(content).fill(fill, 0, 100));
    await edit(1);
    await look(current);
    await edit(2);
    await upload(current, [{ path: 'unsettled.bin', base_version: old.version }]);
    expect([...current.notices.unseen]).toEqual(['unsettled.bin']);
    expect(current.state.problems()).toEqual([]);
    expect(current.state.trees.remote.get('unsettled.bin')).toEqual(old);
  });

  test('that breaks the service fails alone, and the sync goes on', async () => {
    const it = await lookedAt({ poison: randomBytes(100), fine: randomBytes(100) }, (api) => ({
      uploadInit: (request) => {
        if (request.files.some(({ path }) => path === 'poison')) {
          throw new ServiceError('internal', 500, 'the service answered 500');
        }
        return api.uploadInit(request);
      },
    }));
    await upload(it, create('poison'));
    await upload(it, create('fine'));
    expect(it.failures.paths).toEqual(['poison']);
    expect(it.state.trees.synced.has('fine')).toBe(true);
  });
});

describe('waiting after failures', () => {
  test('paths that failed together come back together, later each time', async () => {
    const it = await lookedAt({});
    vi.useFakeTimers();
    const paths = Array.from({ length: 200 }, (_, index) => `file ${index}`);
    let calls = 0;
    const end = Date.now() + 10 * 60_000;
    while (Date.now() < end) {
      const ready = paths.filter((path) => it.failures.mayTry(path));
      if (ready.length > 0) calls++;
      for (const path of ready) it.failures.fail(path, 'blocks_missing', 'still missing');
      vi.advanceTimersByTime(100);
    }
    // 1, 2, 4, … 60 s: about 10 tries in the first minute or two, then up to four a minute.
    expect(calls).toBeLessThan(60);
    expect(calls).toBeGreaterThan(10);
  });
});
