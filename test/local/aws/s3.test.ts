import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';

const Bucket = 'test-blocks';
const ARN = `arn:aws:s3:::${Bucket}`;
const sha256 = (body: Buffer) => createHash('sha256').update(body).digest('base64');
let cloud: Fixture;
let s3: S3Client;
let uploader: S3Client;

const makeBucket = () => cloud.provide('AWS::S3::Bucket', 'Blocks', { VersioningConfiguration: { Status: 'Enabled' } });

beforeAll(async () => {
  cloud = await startFixture();
  await makeBucket();
  s3 = new S3Client(cloud.client(cloud.principal('all', ['s3:*'])));
  uploader = new S3Client(cloud.client(cloud.principal('init', [`s3:PutObject ${ARN}/blocks/*`])));
});
afterAll(() => cloud.stop());

/** A presigned PUT as upload-init makes it: exact length and checksum are signed headers. */
async function presign(
  body: Buffer,
  key: string,
  expiresIn = 60,
): Promise<{ url: string; headers: Record<string, string> }> {
  const ChecksumSHA256 = sha256(body);
  const command = new PutObjectCommand({ Bucket, Key: key, ContentLength: body.length, ChecksumSHA256 });
  const unhoistableHeaders = new Set(['x-amz-checksum-sha256']);
  const url = await getSignedUrl(uploader, command, { expiresIn, unhoistableHeaders });
  return { url, headers: { 'x-amz-checksum-sha256': ChecksumSHA256 } };
}

async function put(
  url: string,
  body: Buffer,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { method: 'PUT', body: new Uint8Array(body), headers });
  return { status: response.status, text: await response.text() };
}

describe('objects', () => {
  test('are stored, read by range and by version, and listed newest first', async () => {
    const Key = 'blocks/a b+ü';
    const first = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'one', Metadata: { upload: 'token' } }));
    const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    expect(Metadata).toEqual({ upload: 'token' });
    const second = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'second', ContentType: 'text/plain' }));
    const newest = await s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=1-3' }));
    expect(await newest.Body?.transformToString()).toBe('eco');
    expect(newest).toMatchObject({
      ContentRange: 'bytes 1-3/6',
      ContentType: 'text/plain',
      VersionId: second.VersionId,
    });
    const old = await s3.send(new GetObjectCommand({ Bucket, Key, VersionId: first.VersionId }));
    expect(await old.Body?.transformToString()).toBe('one');
    const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'blocks/a' }));
    expect(Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [second.VersionId, true],
      [first.VersionId, false],
    ]);
  });

  test('are listed in pages', async () => {
    for (const name of ['1', '2', '2', '3'])
      await s3.send(new PutObjectCommand({ Bucket, Key: `page/${name}`, Body: name }));
    const keys: (string | undefined)[] = [];
    let marker: { KeyMarker?: string; VersionIdMarker?: string } = {};
    for (let more: boolean | undefined = true; more; ) {
      const page = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'page/', MaxKeys: 1, ...marker }));
      keys.push(...(page.Versions ?? []).map(({ Key }) => Key));
      more = page.IsTruncated;
      marker = { KeyMarker: page.NextKeyMarker!, VersionIdMarker: page.NextVersionIdMarker! };
    }
    expect(keys).toEqual(['page/1', 'page/2', 'page/2', 'page/3']);
  });

  test('lose one version by its id, and hide behind a delete marker without one', async () => {
    const Key = 'blocks/gone';
    const kept = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'kept' }));
    const removed = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'removed' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: removed.VersionId }));
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({ VersionId: kept.VersionId });
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    expect(marker.DeleteMarker).toBe(true);
    await expect(s3.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NoSuchKey' });
    const versioned = s3.send(new GetObjectCommand({ Bucket, Key, VersionId: removed.VersionId }));
    await expect(versioned).rejects.toMatchObject({ name: 'NoSuchVersion' });
  });

  test('take a streamed body with a checksum trailer', async () => {
    const body = randomBytes(300_000);
    const pieces = Array.from({ length: 5 }, (_, index) => body.subarray(index * 70_000, (index + 1) * 70_000));
    const stream = Readable.from(pieces);
    const Key = 'blocks/streamed';
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: stream, ContentLength: body.length }));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  });

  test('take no more than 2 kB of metadata', async () => {
    const Metadata = { much: 'x'.repeat(2045) };
    const put = s3.send(new PutObjectCommand({ Bucket, Key: 'blocks/much', Body: 'x', Metadata }));
    await expect(put).rejects.toMatchObject({ name: 'MetadataTooLarge' });
  });

  test('survive a restart', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'blocks/kept', Body: 'still here' }));
    await cloud.restart();
    await makeBucket();
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'blocks/kept' }));
    expect(await Body?.transformToString()).toBe('still here');
  });
});

describe('a presigned PUT', () => {
  const body = Buffer.from('the content of a block');

  test('stores the content, and HEAD with ChecksumMode answers its SHA-256', async () => {
    const { url, headers } = await presign(body, 'blocks/signed');
    expect((await put(url, body, headers)).status).toBe(200);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'blocks/signed', ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({ ChecksumSHA256: sha256(body), ContentLength: body.length });
    const plain = await s3.send(new HeadObjectCommand({ Bucket, Key: 'blocks/signed' }));
    expect(plain.ChecksumSHA256).toBeUndefined();
  });

  test('refuses another body, length or checksum, and a missing or an added header', async () => {
    const { url, headers } = await presign(body, 'blocks/refused');
    const other = Buffer.from('THE CONTENT OF A BLOCK');
    expect(await put(url, other, headers)).toMatchObject({ status: 400, text: expect.stringContaining('BadDigest') });
    const mismatch = { status: 403, text: expect.stringContaining('<Code>SignatureDoesNotMatch</Code>') };
    expect(await put(url, Buffer.concat([body, body]), headers)).toMatchObject(mismatch);
    expect(await put(url, other, { 'x-amz-checksum-sha256': sha256(other) })).toMatchObject(mismatch);
    expect(await put(url, body, {})).toMatchObject(mismatch);
    expect(await put(url.replace('refused', 'another'), body, headers)).toMatchObject(mismatch);
    const added = await put(url, body, { ...headers, 'x-amz-meta-x': '1' });
    expect(added).toMatchObject({ status: 403, text: expect.stringContaining('headers present in the request') });
    const refused = s3.send(new HeadObjectCommand({ Bucket, Key: 'blocks/refused' }));
    await expect(refused).rejects.toMatchObject({ name: 'NotFound' });
  });

  test('keeps what it did not sign beside the bytes, for every reader', async () => {
    const { url, headers } = await presign(body, 'blocks/mislabelled');
    const unsigned = {
      'cache-control': 'no-store',
      'content-disposition': 'inline',
      'content-encoding': 'gzip',
      'content-language': 'en',
      'content-type': 'text/html',
      expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
    };
    expect((await put(url, body, { ...headers, ...unsigned })).status).toBe(200);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'blocks/mislabelled' }));
    expect(head).toMatchObject({
      CacheControl: 'no-store',
      ContentDisposition: 'inline',
      ContentEncoding: 'gzip',
      ContentLanguage: 'en',
      ContentType: 'text/html',
      ExpiresString: unsigned.expires,
      ServerSideEncryption: 'AES256',
    });
    await cloud.restart();
    await makeBucket();
    const again = await s3.send(new HeadObjectCommand({ Bucket, Key: 'blocks/mislabelled' }));
    expect(again.ContentEncoding).toBe('gzip');
  });

  test('takes no other value of a header that it signed, nor none', async () => {
    const command = new PutObjectCommand({ Bucket, Key: 'blocks/fixed', ContentEncoding: 'identity' });
    const url = await getSignedUrl(uploader, command, { expiresIn: 60 });
    const mismatch = { status: 403, text: expect.stringContaining('<Code>SignatureDoesNotMatch</Code>') };
    expect(await put(url, body, { 'content-encoding': 'gzip' })).toMatchObject(mismatch);
    expect(await put(url, body, {})).toMatchObject(mismatch);
    expect(await put(url, body, { 'content-encoding': 'identity' })).toMatchObject({ status: 200 });
  });

  test('expires', async () => {
    const { url, headers } = await presign(body, 'blocks/late', 1);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const late = await put(url, body, headers);
    expect(late.status).toBe(403);
    expect(late.text).toContain('<Code>AccessDenied</Code><Message>Request has expired</Message>');
  });

  test('needs a length, and leaves nothing behind when it is cut short', async () => {
    const { url, headers } = await presign(body, 'blocks/cut');
    await new Promise<void>((resolve) => {
      const sender = request(url, { method: 'PUT', headers: { ...headers, 'content-length': body.length } });
      sender.on('error', () => resolve());
      sender.write(body.subarray(0, 5), () => setTimeout(() => sender.destroy(), 100));
    });
    const cut = s3.send(new HeadObjectCommand({ Bucket, Key: 'blocks/cut' }));
    await expect(cut).rejects.toMatchObject({ name: 'NotFound' });
    const unsized = new PutObjectCommand({ Bucket, Key: 'blocks/unsized' });
    const response = await fetch(await getSignedUrl(s3, unsized), {
      method: 'PUT',
      body: new Blob(['x']).stream(),
      duplex: 'half',
    } as RequestInit);
    expect([response.status, await response.text()]).toEqual([411, expect.stringContaining('MissingContentLength')]);
  });

  test('stands for the role that signed it: a key outside its grant is refused and the log says why', async () => {
    const { url, headers } = await presign(body, 'elsewhere/x');
    expect(await put(url, body, headers)).toMatchObject({ status: 403, text: expect.stringContaining('s3:PutObject') });
    expect(cloud.log.join('\n')).toContain('init may not s3:PutObject');
  });
});

describe('callers', () => {
  test('who may read but not list are told of a missing key as S3 tells them: 403', async () => {
    const reader = new S3Client(cloud.client(cloud.principal('reader', [`s3:GetObject ${ARN}/*`])));
    const missing = reader.send(new GetObjectCommand({ Bucket, Key: 'blocks/none' }));
    await expect(missing).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('with a wrong secret, a wrong token, an unknown key or no route are refused', async () => {
    const read = (credentials: object) => {
      const base = cloud.client(cloud.principal('all', ['s3:*']));
      const client = new S3Client({ ...base, credentials: { ...base.credentials, ...credentials } });
      return client.send(new GetObjectCommand({ Bucket, Key: 'blocks/kept' }));
    };
    await expect(read({ secretAccessKey: 'x' })).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    await expect(read({ sessionToken: 'x' })).rejects.toMatchObject({ name: 'InvalidToken' });
    await expect(read({ accessKeyId: 'x' })).rejects.toMatchObject({ name: 'InvalidAccessKeyId' });
    const inside = cloud.principal('inside', ['s3:*'], { unreachable: ['s3'] });
    const cut = new S3Client(cloud.client(inside)).send(new GetObjectCommand({ Bucket, Key: 'blocks/kept' }));
    await expect(cut).rejects.toMatchObject({ name: 'Unreachable' });
  });

  test('without a signature are refused', async () => {
    expect((await fetch(`${cloud.url}/${Bucket}/blocks/kept`)).status).toBe(403);
  });
});
