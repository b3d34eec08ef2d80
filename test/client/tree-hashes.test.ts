import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { State } from '../../client/state/state.ts';
import { catchUp } from '../../client/steps/catch-up.ts';
import { treeHashes } from '../../client/steps/tree-hashes.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import type { TreeResponse } from '../../protocol/tree.ts';
import { database } from '../service/support/service.ts';
import { type Account, openAccount } from './account.ts';

let account: Account;

beforeAll(async () => {
  account = await openAccount();
});
afterAll(async () => {
  await account.close();
});

/** Directories whose names sort one way by UTF-8 bytes, another by UTF-16 units, and around the slash. */
const directories = ['a', 'a/b', 'a b', 'a.b', 'ﬀ', '😀', '😀/ﬀ', 'empty'];

async function syncedDevice(name: string): Promise<Device> {
  const device = await account.device(name);
  for (const path of directories) await mkdir(join(device.folder, path), { recursive: true });
  for (const path of ['top', 'a/x', 'a/b/😀', 'a/b/ﬀ', 'a b/x', 'a.b/empty', '😀/ﬀ/x']) {
    await writeFile(join(device.folder, path), path.endsWith('empty') ? '' : path);
  }
  await device.run(['sync', device.folder, '--once']);
  return device;
}

test('the hash of every directory is that of the service', async () => {
  const device = await syncedDevice('desk');
  const state = new State(device.folder);
  const here = treeHashes(state.trees.remote);
  state.close();
  const user = await account.caller();
  const there = new Map<string, string>();
  for (const path of directories) {
    const answer = await user.call<TreeResponse>(
      'GET',
      `/tree?device_id=${user.device}&path=${encodeURIComponent(path)}`,
    );
    there.set(path, answer.body.hash);
  }
  expect(here).toEqual(there);
});

test('a tree that has to be read again is read only where it changed', async () => {
  const device = await syncedDevice('lap');
  const asked: string[] = [];
  const sync = await account.openSync(device, ({ tree }) => ({
    tree: (deviceId, path, after) => {
      asked.push(path ?? '');
      return tree(deviceId, path, after);
    },
  }));
  const { state } = sync;
  const forgetChanges = async (): Promise<void> => {
    const { schema, userId } = await account.metadata();
    await database.query(`update ${schema}.accounts set forgotten_seq = change_seq where user_id = '${userId}'`);
  };
  const user = await account.caller();
  await user.save('😀/ﬀ/new', randomBytes(100));
  const before = new Map(state.trees.remote);
  await forgetChanges();
  await catchUp(sync);
  expect(asked.sort()).toEqual(['', '😀', '😀/ﬀ']);
  expect(state.trees.remote.get('😀/ﬀ/new')).toMatchObject({ kind: 'file', size: 100, version: 1 });
  expect(new Map([...state.trees.remote].filter(([path]) => path !== '😀/ﬀ/new'))).toEqual(before);
  state.close();
});
