import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import { finalizeUpload } from '../../lambdas/finalize/finalize.ts';
import { saveFiles } from '../../lambdas/save/save.ts';
import { signUpload } from '../../lambdas/shared/store/block-store.ts';
import { initUpload } from '../../lambdas/upload-init/upload.ts';
import { Store } from '../model/store.ts';
import { offer, type User } from '../support/user.ts';
import { signUp } from './support/service.ts';
import { type CountedStatements, countStatements } from './support/statements.ts';

let store: Store;
beforeAll(async () => {
  store = await Store.start();
});
afterAll(() => store.stop());

let user: User;
let counted: CountedStatements;
beforeAll(async () => {
  user = await signUp();
  counted = await countStatements(user);
});

const QUOTA = 1e9;

/** What a call of new files asks of the databases. */
async function save(folder: string, files: number, base = 0): Promise<string[]> {
  const contents = Array.from({ length: files }, () => randomBytes(100));
  const offers = await Promise.all(contents.map((content, index) => offer(`${folder}/${index}`, content, base)));
  const encoded = contents.map((content) => encodeDelta(new Uint8Array(0), content));
  const header = {
    upload_id: randomUUID(),
    device_id: user.device,
    files: offers,
    contents: offers.map(({ blocks }, index) => ({ ...blocks[0]!, bytes: encoded[index]!.length })),
  };
  counted.made = [];
  const { results } = await saveFiles(counted.databases, user.id, { header, contents: encoded }, QUOTA);
  expect(results.filter((result) => 'error' in result)).toEqual([]);
  return counted.made;
}

/** The same by an upload whose blocks go to the store: what opens it asks, and what ends it. */
async function upload(folder: string, files: number): Promise<{ init: string[]; finalize: string[] }> {
  const contents = Array.from({ length: files }, () => randomBytes(100));
  const offers = await Promise.all(contents.map((content, index) => offer(`${folder}/${index}`, content, 0)));
  const request = { upload_id: randomUUID(), device_id: user.device, files: offers };
  counted.made = [];
  const { send } = await initUpload(counted.databases, user.id, request, { crossUser: true, defaultQuota: QUOTA });
  const init = counted.made;
  for (const block of send) {
    if (block.how !== 'put') throw new Error(`a new block is to be sent by '${block.how}'`);
    const { url, headers } = await signUpload(block.hash, block.size, block.token);
    const body = contents[offers.findIndex(({ blocks }) => blocks[0]!.hash === block.hash)]!;
    expect((await fetch(url, { method: 'PUT', headers, body })).ok).toBe(true);
  }
  counted.made = [];
  const { results } = await finalizeUpload(counted.databases, user.id, request);
  expect(results.filter((result) => 'error' in result)).toEqual([]);
  return { init, finalize: counted.made };
}

/** How many statements, and in how many transactions. Single statements are none. */
function countOf(made: readonly string[]): [statements: number, transactions: number] {
  return [made.length, made.filter((text) => text === 'commit').length];
}

/*
 * PostgreSQL's time goes by the number of statements, and each is a round trip, so that one more is to be a choice. The
 * look whether a relay is on its way, one for each commit, and the relay come on top.
 */

test('a save of a new note, and of its next version, are 23 statements in three transactions', async () => {
  expect(countOf(await save('notes', 1))).toEqual([23, 3]);
  // It looks for nothing in the way of a path that is taken, and notes that the version before is not current.
  expect(countOf(await save('notes', 1, 1))).toEqual([23, 3]);
});

test('an upload is 14 statements in two transactions, its finalize 20 in two', async () => {
  const { init, finalize } = await upload('large', 1);
  expect(countOf(init)).toEqual([14, 2]);
  expect(countOf(finalize)).toEqual([20, 2]);
});

test('500 files at once are as many statements as one', async () => {
  expect(countOf(await save('many notes', 500))).toEqual([23, 3]);
  const { init, finalize } = await upload('many large', 500);
  expect(countOf(init)).toEqual([14, 2]);
  expect(countOf(finalize)).toEqual([20, 2]);
});
