import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GetObjectCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { scratch } from '../../support/scratch.ts';
import { startFixture } from './fixture.ts';

test('after a SIGKILL in the middle of an upload, what was answered is there and the torn object is not', async () => {
  const data = await scratch('tidemark-test-');
  const child = fork(fileURLToPath(new URL('./killed.ts', import.meta.url)), [data], { execArgv: [] });
  const [, signal] = await once(child, 'exit');
  expect(signal).toBe('SIGKILL');
  expect(await readdir(join(data, 's3', 'test-blocks', 'incoming'))).toHaveLength(1);

  const cloud = await startFixture({ data });
  try {
    expect(cloud.log.join('\n')).toContain('stopping the server that an earlier run left behind');
    const { ref: Bucket } = await cloud.provide('AWS::S3::Bucket', 'Blocks', {
      VersioningConfiguration: { Status: 'Enabled' },
    });
    const s3 = new S3Client(cloud.client(cloud.principal('all', ['s3:*'])));
    const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    expect(Versions?.map(({ Key }) => Key)).toEqual(['kept']);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'kept' }));
    expect(await Body?.transformToString()).toBe('kept');
    expect(await readdir(join(data, 's3', 'test-blocks', 'incoming'))).toEqual([]);

    const options = { topic: 'kept', group: 'g', from: 'TRIM_HORIZON', maxRecords: 1, windowMs: 0 } as const;
    const value = await new Promise<string>((resolve) => {
      void cloud.services.stream.consume(options, async ([record]) => resolve(String(record?.value)));
    });
    expect(value).toBe('kept');
  } finally {
    await cloud.stop();
  }
});
