import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { DownloadResponse } from '../../protocol/download.ts';
import { type Service, startService } from '../support/service.ts';
import { offer, type User } from '../support/user.ts';
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
    const userScope = template.replace(/("DEDUP_SCOPE": *)"all"/g, '$1"user"');
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

test("with the scope 'user', the CDN does not tell that another user has read a block, nor when it was stored", async () => {
  const [owner, user] = await Promise.all([service.signUp(), service.signUp()]);
  const content = randomBytes(10_000);
  for (const [who, path] of [
    [owner, 'theirs'],
    [user, 'mine'],
  ] as const) {
    const { upload_id, send } = await init(who, [await offer(path, content, 0)]);
    await put(send, content);
    await finalize(who, upload_id);
  }
  const read = async (who: User, path: string) => {
    const { body } = await who.call<DownloadResponse>('POST', '/download', {
      device_id: who.device,
      files: [{ path }],
    });
    const { headers } = await fetch(Object.values(body.urls)[0]!);
    return Object.fromEntries(headers);
  };
  expect((await read(owner, 'theirs'))['x-cache']).toBe('Miss from cloudfront');
  expect((await read(owner, 'theirs'))['x-cache']).toBe('Hit from cloudfront');
  const { 'x-cache': cache, ...headers } = await read(user, 'mine');
  expect(cache).toBe('Miss from cloudfront');
  for (const name of ['age', 'etag', 'last-modified', 'x-amz-meta-upload', 'x-amz-version-id']) {
    expect(headers).not.toHaveProperty(name);
  }
});
