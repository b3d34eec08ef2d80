import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { offer } from '../support/user.ts';
import { download, finalize, init, put } from './support/calls.ts';

let assembly: string;
let service: Service;

beforeAll(async () => {
  assembly = await mkdtemp(join(tmpdir(), 'tidemark-scope-'));
  await cp(inject('assembly'), assembly, { recursive: true });
  let changed = 0;
  for (const name of await readdir(assembly)) {
    if (!name.endsWith('.template.json')) continue;
    const template = await readFile(join(assembly, name), 'utf8');
    const userScope = template.replace(/("DEDUP_SCOPE": *)"all"/, '$1"user"');
    if (userScope !== template) changed++;
    await writeFile(join(assembly, name), userScope);
  }
  expect(changed).toBe(1);
  service = await startService(assembly);
});
afterAll(async () => {
  await service?.stop();
  await rm(assembly, { recursive: true });
});

test("with the scope 'user', nothing tells that another user has a block, and one's own are still not sent again", async () => {
  const [owner, user] = await Promise.all([service.signUp(), service.signUp()]);
  const content = randomBytes(10_000);
  await owner.save('secret', content);
  const { upload_id, send } = await init(user, [await offer('mine', content, 0)]);
  expect(send).toMatchObject([{ how: 'put' }]);
  await put(send, content);
  await finalize(user, upload_id);
  expect((await init(user, [await offer('again', content, 0)])).send).toEqual([]);
  for (const [who, path] of [
    [owner, 'secret'],
    [user, 'mine'],
  ] as const) {
    expect((await download(who, path)).equals(content)).toBe(true);
  }
});
