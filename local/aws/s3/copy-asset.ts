import { createHash, randomUUID } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { AwsError } from '../errors.ts';
import { type Buckets, storeVersion } from './buckets.ts';
import type { Call } from './call.ts';

/** CopyObject, from the bucket of the deployment's assets: nothing else is copied here. */
export async function copyAsset({ response, bucket, key, demand }: Call, buckets: Buckets, source: string) {
  const [name = '', ...rest] = decodeURIComponent(source).replace(/^\//, '').split('/');
  const from = rest.join('/');
  demand('s3:GetObject', `arn:aws:s3:::${name}/${from}`);
  demand('s3:PutObject', `${bucket.arn}/${key}`);
  const asset = buckets.asset(name, from);
  if (asset === undefined) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: from });
  const [file, bytes] = [randomUUID(), await readFile(asset)];
  await copyFile(asset, bucket.journal.temporary(file));
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
  const object = { key, file, size: bytes.length, etag, contentType: 'application/octet-stream' };
  const { time } = await storeVersion(bucket, object);
  const result = `<CopyObjectResult><ETag>${etag.replaceAll('"', '&quot;')}</ETag><LastModified>${new Date(time).toISOString()}</LastModified></CopyObjectResult>`;
  const headers = { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(result) };
  response.writeHead(200, headers).end(result);
}
