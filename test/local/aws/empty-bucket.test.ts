import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { DeleteObjectCommand, ListObjectVersionsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';

let cloud: Fixture;
let s3: S3Client;
let Bucket: string;
const told: { Status: string; Reason?: string }[] = [];
const cloudFormation = createServer(async (request, response) => {
  told.push((await json(request)) as (typeof told)[number]);
  response.end();
});

beforeAll(async () => {
  cloud = await startFixture();
  const owner = cloud.principal('owner', ['s3:*']);
  s3 = new S3Client({ ...cloud.client(owner), forcePathStyle: true });
  ({ ref: Bucket } = await cloud.provide('AWS::S3::Bucket', 'Blocks', {
    VersioningConfiguration: { Status: 'Enabled' },
  }));
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ENDPOINT_URL_S3', cloud.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', owner.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', owner.credentials.secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', owner.credentials.sessionToken);
  await once(cloudFormation.listen(0, '127.0.0.1'), 'listening');
});
afterAll(async () => {
  cloudFormation.close();
  await cloud.stop();
});

/** What CloudFormation hears when it tells the function that its resource is gone. */
async function remove(Empty: 'true' | 'false') {
  const { handler } = await import('../../../lambdas/empty-bucket/handler.ts');
  const event = {
    RequestType: 'Delete',
    ResponseURL: `http://127.0.0.1:${(cloudFormation.address() as AddressInfo).port}/`,
    StackId: 'stack',
    RequestId: 'request',
    LogicalResourceId: 'Emptied',
    ResourceProperties: { Bucket, Empty },
  };
  await handler(event as never, { logStreamName: 'log' } as never);
  return told.at(-1);
}

async function versions(): Promise<number> {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  return Versions.length + DeleteMarkers.length;
}

test('a bucket that goes with its stack is emptied of every version, and no other bucket is', async () => {
  for (const Key of ['blocks/a', 'blocks/a', 's3/log']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'blocks/a' }));
  const before = await versions();
  expect(before).toBeGreaterThanOrEqual(3);
  expect(await remove('false')).toMatchObject({ Status: 'SUCCESS' });
  expect(await versions()).toBe(before);
  expect(await remove('true')).toMatchObject({ Status: 'SUCCESS' });
  expect(await versions()).toBe(0);
});
