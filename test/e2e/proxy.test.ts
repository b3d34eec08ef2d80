import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { assemblyOf } from '../support/synthesis.ts';

// The profile whose functions reach their database through a proxy.

let service: Service;

beforeAll(async () => {
  service = await startService(await assemblyOf({ profile: 'internet', clusters: '1' }));
}, 120_000);
afterAll(async () => {
  await service.stop();
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
