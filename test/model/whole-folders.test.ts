import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readChanges } from '../../lambdas/changes/changes.ts';
import { deleteFiles } from '../../lambdas/delete/delete.ts';
import { moveFiles } from '../../lambdas/move/move.ts';
import { personOf } from '../../lambdas/shared/database/rows.ts';
import { readTree } from '../../lambdas/tree/tree.ts';
import { save, uploadOf } from './client.ts';
import { alone } from './scheduler.ts';
import { devices, users, World } from './world.ts';

/* Moves of a directory with all that is in it, one call after the other, on the databases of the model. */

const [user] = users;
const device_id = devices[0];

let world: World;
beforeAll(async () => {
  world = await World.open();
});
beforeEach(() => world.reset(0));
afterAll(() => world?.close());

const person = () => personOf(world.databases, user);

/** Saves a file of one block, or a directory. */
async function saved(path: string, block: number | null, base = 0): Promise<void> {
  const upload = uploadOf(world, path, block === null ? [] : [block], { base });
  await alone(() => save(world, upload));
}

/** The move of a directory as it is now. */
async function moveOf(from: string, to: string) {
  const { hash } = await readTree(person(), { device_id, path: from, limit: 10 }, Number.POSITIVE_INFINITY);
  const moves = [{ from, to, base_version: 1, tree_hash: hash }];
  return { request_id: randomUUID(), device_id, moves };
}

test('a folder in which something is newer does not move', async () => {
  await saved('dir', null);
  await saved('dir/a', 2);
  const request = await moveOf('dir', 'new');
  await saved('dir/a', 3, 1);
  expect(await moveFiles(world.databases, user, request), 'I5: a move of a folder that has changed').toMatchObject([
    { path: 'new', error: { code: 'stale_version' } },
  ]);
});

test('a folder that moves is one of the changes, and to a cursor among its own they come one by one', async () => {
  await saved('dir', null);
  for (const [index, path] of ['dir/a', 'dir/b'].entries()) await saved(path, index);
  await moveFiles(world.databases, user, await moveOf('dir', 'new'));
  await saved('after', 2);
  const pagesFrom = async (from: number): Promise<number[][]> => {
    const pages: number[][] = [];
    for (let cursor = from, more = true; more; ) {
      const page = await readChanges(person(), { device_id, cursor, limit: 3 });
      pages.push([...page.changes.map((change) => change.cursor), page.cursor]);
      ({ cursor, more } = page);
    }
    return pages;
  };
  expect(await pagesFrom(2), 'I8: pages with a folder').toEqual([
    [3, 4, 6],
    [7, 7],
  ]);
  expect(await pagesFrom(4), 'I8: a cursor in a folder').toEqual([[5, 6, 7, 7]]);
});

test('a folder that moves gets a number that nothing at its new place ever had', async () => {
  for (const base of [0, 1, 2]) await saved('new/a', base, base);
  await deleteFiles(person(), { request_id: randomUUID(), device_id, files: [{ path: 'new/a', base_version: 3 }] });
  await saved('dir', null);
  await saved('dir/a', 3);
  const moving = moveFiles(world.databases, user, await moveOf('dir', 'new'));
  const outcome = await moving.catch((error: Error) => [{ version: error.message }]);
  expect(outcome, 'I6: a number that stood for another content').toMatchObject([{ version: 5 }]);
});
