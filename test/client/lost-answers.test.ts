import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { loseAnswer, loseRequest } from '../support/network/faults.ts';
import type { Fault } from '../support/network/http-proxy.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount } from './account.ts';

/*
 * One device alone: a call or its answer is lost and the network with it, the user goes on, and the network returns to a
 * client that was started anew. Another device has the same in the end.
 */

type Edit = (folder: string) => Promise<unknown>;
const write =
  (path: string, content: string): Edit =>
  (folder) =>
    writeFile(join(folder, path), content);
const make =
  (path: string): Edit =>
  (folder) =>
    mkdir(join(folder, path));
const move =
  (from: string, to: string): Edit =>
  (folder) =>
    rename(join(folder, from), join(folder, to));
const remove =
  (path: string): Edit =>
  (folder) =>
    rm(join(folder, path), { recursive: true });

interface Row {
  readonly lost: 'POST /save' | 'POST /finalize' | 'POST /move' | 'POST /delete';
  readonly before?: readonly Edit[];
  readonly first: readonly Edit[];
  readonly next: readonly Edit[];
  readonly ends: Readonly<Record<string, string>>;
}

const tree = [make('d'), write('d/a', 'one'), write('d/b', 'two')];
const old = [write('x', 'zero')];
const renamed = { before: old, first: [move('x', 'y')], lost: 'POST /move' } as const;
const renamedFolder = { before: tree, first: [move('d', 'e')], lost: 'POST /move' } as const;
const fresh = { first: [write('x', 'one')], lost: 'POST /save' } as const;
const edited = { before: old, first: [write('x', 'one')], lost: 'POST /save' } as const;
const freshFolder = { first: tree, lost: 'POST /save' } as const;

/** Goes to the store. */
const large = randomBytes(50_000).toString('hex');

const rows: Readonly<Record<string, Row>> = {
  'a new large file, edited again': {
    first: [write('x', large)],
    lost: 'POST /finalize',
    next: [write('x', `${large} two`)],
    ends: { x: `${large} two` },
  },
  'a new file, edited again': { ...fresh, next: [write('x', 'two two')], ends: { x: 'two two' } },
  'an edit, edited again': { ...edited, next: [write('x', 'two two')], ends: { x: 'two two' } },
  'an edit, undone': { ...edited, next: [write('x', 'zero')], ends: { x: 'zero' } },
  'a new file, deleted': { ...fresh, next: [remove('x')], ends: {} },
  'an edit, deleted': { ...edited, next: [remove('x')], ends: {} },
  'a new file, renamed': { ...fresh, next: [move('x', 'y')], ends: { y: 'one' } },
  'an edit, renamed': { ...edited, next: [move('x', 'y')], ends: { y: 'one' } },
  'a rename, edited': { ...renamed, next: [write('y', 'one')], ends: { y: 'one' } },
  'a rename, renamed again': { ...renamed, next: [move('y', 'z')], ends: { z: 'zero' } },
  'a rename, renamed back': { ...renamed, next: [move('y', 'x')], ends: { x: 'zero' } },
  'a rename, deleted': { ...renamed, next: [remove('y')], ends: {} },
  'a renamed folder, edited inside': {
    ...renamedFolder,
    next: [write('e/a', 'three')],
    ends: { 'e/a': 'three', 'e/b': 'two' },
  },
  'a renamed folder, renamed again': { ...renamedFolder, next: [move('e', 'f')], ends: { 'f/a': 'one', 'f/b': 'two' } },
  'a renamed folder, deleted': { ...renamedFolder, next: [remove('e')], ends: {} },
  'a new folder, deleted': { ...freshFolder, next: [remove('d')], ends: {} },
  'a new folder, renamed': { ...freshFolder, next: [move('d', 'e')], ends: { 'e/a': 'one', 'e/b': 'two' } },
  'a deletion, made again': {
    before: old,
    first: [remove('x')],
    lost: 'POST /delete',
    next: [write('x', 'new')],
    ends: { x: 'new' },
  },
};

/** What happens to the call, and whether the service still knows of it when the device comes back. */
interface Loss {
  readonly fault: Fault;
  readonly isForgotten?: true;
  /** The rows that are played; all of them with LOST=all. */
  readonly rows?: readonly string[];
}

const some = [
  'a new large file, edited again',
  'an edit, undone',
  'a new file, renamed',
  'a renamed folder, edited inside',
];
const losses: Readonly<Record<string, Loss>> = {
  'whose answer is lost': { fault: loseAnswer },
  'that never arrives': { fault: loseRequest, rows: some },
  'whose answer is lost, and not kept any more': { fault: loseAnswer, isForgotten: true, rows: some },
  'that never arrives, in a session that is over': { fault: loseRequest, isForgotten: true, rows: some },
};
const rowsOf = (loss: Loss) =>
  Object.entries(rows).filter(([row]) => process.env.LOST === 'all' || !loss.rows || loss.rows.includes(row));
const played = Object.entries(losses).flatMap(([name, loss]) =>
  rowsOf(loss).map(([row, plan]) => ({ ...plan, loss, name, row, at: `${name}/${row}` })),
);

let account: Account;
let [desk, lap]: Device[] = [];
let network: Network;
const place = (name: string): string => join(desk!.folder, name);

beforeAll(async () => {
  account = await openAccount();
  network = await account.network();
  [desk, lap] = await Promise.all([account.device('desk', { network }), account.device('lap')]);
  for (const { at, before = [] } of played) {
    await mkdir(place(at), { recursive: true });
    for (const edit of before) await edit(place(at));
  }
  await account.syncOnce(desk);
});
afterAll(() => account.close());

/** This happens to the first call to `route`, and the network is gone from then on. */
function loseAt(route: string, fault: Fault): void {
  const { proxy } = network.ways.api;
  const once: Fault = (exchange) => {
    proxy.fail('', loseRequest);
    return fault(exchange);
  };
  proxy.fail(route, once, 1);
}

/** Lets more than 72 hours go by at the service. */
async function forget(): Promise<void> {
  const { sql, schema, userId } = await account.metadata();
  await sql.query(`update ${schema}.uploads set expires_at = now() - interval '1 hour' where user_id = $1`, [userId]);
  await sql.query(`delete from ${schema}.requests where user_id = $1`, [userId]);
}

async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const read = files.map(async ({ parentPath, name }) => {
    const at = join(parentPath, name);
    return [at.slice(folder.length + 1), await readFile(at, 'utf8')] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

describe('a call', () => {
  for (const { loss, name, row, at, first, lost, next, ends } of played) {
    test(`${name}: ${row}`, async () => {
      for (const edit of first) await edit(place(at));
      loseAt(lost, loss.fault);
      await expect(account.syncOnce(desk!)).rejects.toThrow('does not answer');
      for (const edit of next) await edit(place(at));
      if (loss.isForgotten) await forget();
      await network.heal();
      await account.syncOnce(desk!);
      expect(await contents(place(at)), 'I50: what the user wanted').toEqual(ends);
    });
  }

  test('that was lost in any way is the same on another device in the end', async () => {
    await account.syncOnce(lap!);
    for (const { at, ends } of played) expect(await contents(join(lap!.folder, at)), at).toEqual(ends);
  });

  test('that is under way when the client is killed is no conflict with what the user did before it came back', async () => {
    await writeFile(place('killed'), 'one');
    const processed = Promise.withResolvers<void>();
    network.ways.api.proxy.fail('POST /save', async ({ ask }) => {
      await ask();
      processed.resolve();
    });
    const child = spawn(process.execPath, [...account.commandOf(desk!), 'sync', desk!.folder], { stdio: 'ignore' });
    await processed.promise;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    await writeFile(place('killed'), 'two two');
    await network.heal();
    await account.syncOnce(desk!);
    expect((await readdir(desk!.folder)).filter((name) => name.startsWith('killed'))).toEqual(['killed']);
    expect(await readFile(place('killed'), 'utf8'), 'I50: the newer save').toBe('two two');
  });
});
