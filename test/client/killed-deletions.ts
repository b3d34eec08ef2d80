/*
 * Deletes what another device deleted, a group of files after the other, until it is killed: node killed-deletions.ts
 * FOLDER. Tells before which files and directories those are.
 */
import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attributesOf, hintOf } from '../../client/disk/stamps.ts';
import type { Api } from '../../client/service/api.ts';
import { deleteLocal } from '../../client/steps/delete-local.ts';
import { openSync } from './open-sync.ts';

const [FOLDERS, FILES] = [8, 40];
const [root] = process.argv.slice(2) as [string];

const sync = await openSync(root, {} as Api, { id: '00000000-0000-4000-8000-000000000000', name: 'desk' });
const groups: string[][] = [];
for (let number = 0; number < FOLDERS; number++) {
  const folder = `folder ${number}`;
  const files = Array.from({ length: FILES }, (_, index) => `${folder}/file ${index}`);
  await mkdir(join(root, folder));
  for (const path of files) await writeFile(join(root, path), path);
  for (const path of [folder, ...files]) {
    const stats = await lstat(join(root, path), { bigint: true });
    const entry = { ...attributesOf(stats), blocks: [], hint: stats.isFile() ? hintOf(stats) : '' };
    sync.state.set('local', path, entry);
    sync.state.set('synced', path, { ...entry, version: 1 });
  }
  groups.push([...files, folder]);
}
process.send?.(groups.flat());
for (const group of groups) await deleteLocal(sync, group);
