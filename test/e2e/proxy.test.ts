import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { synthesize } from '../../local/demo/synthesize.ts';
import { type Service, startService } from '../support/service.ts';

// The profile whose functions reach their database through a proxy.

let assembly: string;
let service: Service;

beforeAll(async () => {
  assembly = await mkdtemp(join(tmpdir(), 'tidemark-proxied-'));
  await synthesize(assembly, { profile: 'internet', clusters: '1' });
  service = await startService(assembly);
}, 120_000);
afterAll(async () => {
  await service.stop();
  await rm(assembly, { recursive: true, force: true });
});

test('a file goes up and comes down through the proxy, and no request keeps one of its connections', async () => {
  const user = await service.signUp();
  const result = await user.save('a.txt', Buffer.from('through a proxy'));
  expect(result).toMatchObject({ path: 'a.txt', version: 1 });
  const { status, body } = await user.call('POST', '/download', { device_id: user.device, files: [{ path: 'a.txt' }] });
  expect({ status, files: body.files }).toMatchObject({ status: 200, files: [{ entry: { path: 'a.txt' } }] });
  expect(service.cloud.services.pins().get('tidemark_app')).toBeUndefined();
  // The owner bounds his statements otherwise, and is no request.
  expect(service.cloud.services.pins().get('tidemark_migrate')).toBeGreaterThan(0);
});
