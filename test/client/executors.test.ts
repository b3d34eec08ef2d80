import { type FileHandle, lstat, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { compileIgnores } from '../../client/disk/ignore.ts';
import { scan } from '../../client/disk/scan.ts';
import { DiskChanged, hintOf } from '../../client/disk/stamps.ts';
import { writeAtomically } from '../../client/disk/write-file.ts';
import { type RemoteEntry, syncedEntry } from '../../client/plan/tree.ts';
import type { Api } from '../../client/service/api.ts';
import { ServiceError } from '../../client/service/errors.ts';
import { catchUp } from '../../client/steps/catch-up.ts';
import type { Sync } from '../../client/steps/context.ts';
import { advanceCursor } from '../../client/steps/cursor.ts';
import { download } from '../../client/steps/download.ts';
import { deleteLocal, moveLocal, setAside } from '../../client/steps/local.ts';
import { deleteRemote, moveRemote } from '../../client/steps/remote.ts';
import { upload } from '../../client/steps/upload.ts';
import { sha256, toHex } from '../../codec/index.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import { located, serve } from './cdn.ts';
import { temporaryFolder } from './folder.ts';
import { openSync } from './open-sync.ts';

/*
 * The steps of a sync, each where something comes in between: on a real folder and its state, without a service. What a
 * service answers at that moment is given by the test.
 */

const device = { id: '00000000-0000-4000-8000-000000000000', name: 'desk' };

let sync: Sync;
afterEach(() => sync.state.close());

async function openFolder(api: Partial<Api> = {}): Promise<void> {
  sync = await openSync(await temporaryFolder(), api as Api, device);
}

const on = (path: string): string => join(sync.root, path);
const text = (path: string): Promise<string> => readFile(on(path), 'utf8');
const blockOf = async (content: string) => ({ hash: toHex(await sha256(Buffer.from(content))), size: content.length });

async function remoteFile(content: string, version: number): Promise<RemoteEntry> {
  const blocks = content === '' ? [] : [await blockOf(content)];
  return { kind: 'file', size: content.length, mode: 0o644, mtime_ms: 1_700_000_000_000, version, blocks };
}

/** Puts what the disk holds into the local tree. */
async function look(): Promise<void> {
  const ignores = compileIgnores('');
  const { found } = await scan('', {
    root: sync.root,
    folderId: sync.state.folderId,
    pool: sync.pool,
    ignores,
    known: new Map(),
  });
  for (const [path, entry] of found) {
    // As if it had been written long ago: a hint of a young file proves nothing.
    const hint = entry.kind === 'file' ? await hintAt(path) : '';
    sync.state.set('local', path, { ...entry, hint });
  }
}

async function hintAt(path: string): Promise<string> {
  return hintOf(await lstat(on(path), { bigint: true }));
}

/** Files that the disk and the service agree on, at version 1. */
async function agreed(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) await writeFile(on(path), content);
  await look();
  for (const [path, content] of Object.entries(files)) {
    const remote = await remoteFile(content, 1);
    sync.state.set('remote', path, remote);
    sync.state.set('synced', path, syncedEntry(remote, sync.state.trees.local.get(path)!));
  }
}

const done = (path: string, version: number, cursor: number): CommitResult => ({
  path,
  version,
  version_id: device.id,
  cursor,
});

describe('an edit between the look and the step', () => {
  test('is not deleted', async () => {
    await openFolder();
    await agreed({ a: 'old' });
    await writeFile(on('a'), 'edited');
    await deleteLocal(sync, 'a').catch((error) => expect(error).toBeInstanceOf(DiskChanged));
    expect(await text('a').catch(() => 'gone'), 'I15: an edited file').toBe('edited');
  });

  test('is not taken along as what was known', async () => {
    await openFolder();
    await agreed({ a: 'old' });
    sync.state.set('remote', 'b', await remoteFile('old', 2));
    await writeFile(on('a'), 'edited');
    await moveLocal(sync, 'a', 'b').catch((error) => expect(error).toBeInstanceOf(DiskChanged));
    const known = sync.state.trees.local.get('b');
    expect(known?.hint === (await hintAt('b').catch(() => '')), 'I15: an edit that no look will find').toBe(false);
  });

  test('at the target is not renamed over', async () => {
    await openFolder();
    await agreed({ a: 'old' });
    sync.state.set('remote', 'b', await remoteFile('old', 2));
    await writeFile(on('b'), 'the user was here');
    await moveLocal(sync, 'a', 'b').catch((error) => expect(error).toBeInstanceOf(DiskChanged));
    expect(await text('b'), 'I15: a file that appeared').toBe('the user was here');
  });

  test('is not taken for what was uploaded', async () => {
    await openFolder({
      uploadInit: async ({ upload_id }) => ({
        sent: 0,
        body: { upload_id, expires_at: 0, refused: [], send: [] },
      }),
      finalize: async () => {
        await writeFile(on('a'), 'second words');
        await look();
        return { sent: 0, body: { results: [done('a', 1, 1)] } };
      },
    });
    await writeFile(on('a'), 'first words');
    await look();
    await upload(sync, [{ path: 'a', base_version: 0 }]);
    const { blocks } = sync.state.trees.synced.get('a')!;
    expect(blocks, 'I15: what the service got').toEqual([await blockOf('first words')]);
  });
});

describe('a conflict', () => {
  test('leaves the copy, with all that is in it, as new files to upload', async () => {
    await openFolder();
    await mkdir(on('docs'));
    await agreed({ 'docs/a': 'mine' });
    await setAside(sync, 'docs', 'docs (copy)');
    expect(await text('docs (copy)/a')).toBe('mine');
    const { local, synced } = sync.state.trees;
    expect([...local.keys()].sort(), 'I15: the copy').toEqual(['docs (copy)', 'docs (copy)/a']);
    expect(synced.has('docs (copy)/a'), 'I15: a copy that nobody uploads').toBe(false);
    expect([...sync.notices.dirty]).toEqual(expect.arrayContaining(['docs', 'docs/a', 'docs (copy)', 'docs (copy)/a']));
  });
});

test('a file that was renamed and edited elsewhere is still to be downloaded after the rename', async () => {
  await openFolder();
  await agreed({ a: 'old' });
  sync.state.set('remote', 'b', { ...(await remoteFile('new', 2)), moved_from: 'a' });
  await moveLocal(sync, 'a', 'b');
  expect(sync.state.trees.synced.get('b'), 'I14: what both sides had').toMatchObject({
    version: 1,
    blocks: [await blockOf('old')],
  });
});

test('a folder that still holds what is not synced stays, and is no longer the service’s', async () => {
  await openFolder();
  await mkdir(on('docs'));
  await look();
  const remote: RemoteEntry = { ...(await remoteFile('', 1)), kind: 'directory' };
  sync.state.set('synced', 'docs', syncedEntry(remote, sync.state.trees.local.get('docs')!));
  await writeFile(on('docs/ignored'), 'precious');
  await deleteLocal(sync, 'docs');
  expect(await text('docs/ignored')).toBe('precious');
  expect(sync.state.trees.local.get('docs'), 'I15: a folder that stays').toMatchObject({ leftover: true });
  expect(sync.state.trees.synced.has('docs')).toBe(false);
});

describe('a refusal of the service', () => {
  const error = { code: 'stale_version' as const, message: 'changed elsewhere' };

  test('to delete leaves what was known', async () => {
    await openFolder({ remove: async () => ({ sent: 0, body: { results: [{ path: 'a', error }] } }) });
    await agreed({ a: 'old' });
    await deleteRemote(sync, [{ do: 'deleteRemote', path: 'a', base_version: 1 }]);
    expect(sync.state.trees.remote.has('a'), 'I14: what the service still has').toBe(true);
    expect(sync.notices.behind).toBe(true);
  });

  test('to move makes it a new file and a deletion', async () => {
    await openFolder({ move: async () => ({ sent: 0, body: { results: [{ path: 'b', error }] } }) });
    await agreed({ a: 'old' });
    await rename(on('a'), on('b'));
    const move = (): Promise<void> => moveRemote(sync, [{ do: 'moveRemote', from: 'a', to: 'b', base_version: 1 }]);
    await move();
    expect([[...sync.unmovable], sync.notices.behind], 'I32: an edit made elsewhere does not follow').toEqual([
      [],
      true,
    ]);
    for (let times = 0; times < 5; times++) await move();
    expect([...sync.unmovable].sort(), 'I14: a move that is tried for ever').toEqual(['a', 'b']);
    expect([sync.state.trees.remote.has('a'), sync.state.trees.remote.has('b')]).toEqual([true, false]);
  });
});

describe('the cursor', () => {
  test('does not pass over what another device did in between', async () => {
    await openFolder();
    sync.state.setFact('cursor', '4');
    sync.notices.takeBehind();
    advanceCursor(sync, [done('b', 1, 6), done('a', 1, 5), done('d', 1, 8)]);
    expect(sync.state.cursor, 'I14: a change that is never read').toBe(6);
    expect(sync.notices.behind).toBe(true);
  });

  test('stays where it was when a page cannot be read', async () => {
    const entry = { path: 'a', kind: 'file' as const, size: 0, mtime_ms: 0, mode: 0o644, version: 1, blocks: [] };
    const change = { cursor: 1, change_type: 'create' as const, entry, device_id: device.id, timestamp: 0 };
    await openFolder({
      changes: async (_device, cursor) => {
        if (cursor > 0) throw new ServiceError('internal', 500, 'lost');
        return { sent: 0, body: { changes: [change], cursor: 1, more: true } };
      },
    });
    await expect(catchUp(sync)).rejects.toThrow('lost');
    expect([sync.state.cursor, sync.state.trees.remote.has('a')], 'I14: pages that were read').toEqual([1, true]);
  });

  test('of a tree that changes while it is read is that of its first page', async () => {
    const entry = { path: 'a', kind: 'file' as const, size: 0, mtime_ms: 0, mode: 0o644, version: 1, blocks: [] };
    const hash = '0'.repeat(64);
    const pages = [
      { hash, cursor: 7, entries: [{ name: 'a', entry }], next: 'a' },
      { hash, cursor: 9, entries: [{ name: 'b', entry: { ...entry, path: 'b' } }] },
    ];
    await openFolder({
      changes: async () => {
        throw new ServiceError('cursor_gone', 410, 'read the tree anew');
      },
      tree: async (_device, _path, after) => ({ sent: 0, body: pages[after === undefined ? 0 : 1]! }),
    });
    await catchUp(sync);
    expect(sync.state.cursor, 'I14: changes during the read').toBe(7);
    expect([...sync.state.trees.remote.keys()]).toEqual(['a', 'b']);
  });
});

describe('a download', () => {
  test('that arrives damaged replaces nothing', async () => {
    await openFolder(located(await serve('bad')));
    await agreed({ a: 'old' });
    sync.state.set('remote', 'a', await remoteFile('new', 2));
    await download(sync, ['a']);
    expect(await text('a'), 'I16: a block that is not what it is called').toBe('old');
    expect(sync.state.problems(), 'I16: what the user is told').toEqual([
      { path: 'a', message: expect.stringMatching(/damaged/) },
    ]);
    expect(await readdir(sync.root)).toEqual(['.tidemark', 'a']);
  });

  test('takes nothing from a file that changed since it was looked at', async () => {
    await openFolder(located(await serve('new')));
    await agreed({ a: 'old', b: 'new' });
    sync.state.set('remote', 'a', await remoteFile('new', 2));
    sync.state.set('remote', 'b', await remoteFile('newer', 2));
    await writeFile(on('b'), 'bad');
    await download(sync, ['a', 'b']);
    expect([await text('a'), sync.failures.countAt('a')], 'I16: a block of a file that changed').toEqual(['new', 0]);
  });

  test('is agreed on only when it is in place', async () => {
    await openFolder(located(await serve('new')));
    await agreed({ a: 'old' });
    sync.state.set('remote', 'a', await remoteFile('new', 2));
    await writeFile(on('a'), 'edited');
    await download(sync, ['a']);
    expect(await text('a'), 'I15: an edited file').toBe('edited');
    expect(sync.state.trees.synced.get('a')?.version, 'I14: a version that this disk does not have').toBe(1);
  });
});

test('content is flushed before it takes its place, and its name after that', async () => {
  await openFolder();
  const place = on('a');
  const flushes: string[] = [];
  const there = (): Promise<string> => readFile(place, 'utf8').catch(() => 'nothing');
  const blocks = [await blockOf('new')];
  const { folderId } = sync.state;
  const target = { folderId, place, expected: undefined, mode: 0o644, mtime_ms: 0, blocks };
  await writeAtomically(target, async (file) => {
    await file.write(Buffer.from('new'));
    const prototype = Object.getPrototypeOf(file) as FileHandle;
    const { sync: flush } = prototype;
    prototype.sync = async function (this: FileHandle) {
      flushes.push(`${(await this.stat()).isDirectory() ? 'directory' : 'file'}, ${await there()} in place`);
      await flush.call(this);
    };
    onTestFinished(() => {
      prototype.sync = flush;
    });
  });
  expect(flushes, 'I16: the order on disk').toEqual(['file, nothing in place', 'directory, new in place']);
  expect((await stat(place)).size).toBe(3);
});
