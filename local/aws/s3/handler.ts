import { randomBytes, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { reason } from '../../errors.ts';
import type { Identities, Log } from '../../types.ts';
import type { Access } from '../access.ts';
import { AwsError, errorXml } from '../errors.ts';
import { type Claim, EMPTY_SHA256, verifySignature } from '../sigv4.ts';
import { type Bucket, type Buckets, currentVersion, refuseDenied, storeVersion } from './buckets.ts';
import type { Call } from './call.ts';
import { copyAsset } from './copy-asset.ts';
import { listVersions } from './list-versions.ts';
import { ENCRYPTION, headersOf, keptHeaders } from './object-headers.ts';
import { parseRange } from './range.ts';
import { receive } from './receive.ts';

/** S3 refuses x-amz-* headers that nobody signed: they would change what a presigned URL means. */
function refuseUnsigned(request: IncomingMessage, claim: Claim): void {
  const unsigned = Object.keys(request.headers).filter(
    (name) => name.startsWith('x-amz-') && !claim.signedHeaders.includes(name),
  );
  if (unsigned.length === 0) return;
  const message = 'There were headers present in the request which were not signed';
  throw new AwsError('AccessDenied', message, 403, { HeadersNotSigned: unsigned.join(', ') });
}

function versionHeaders(bucket: Bucket, versionId: string): Record<string, string> {
  return bucket.versioned ? { 'x-amz-version-id': versionId } : {};
}

async function putObject({ request, response, bucket, key, contentSha256, demand }: Call): Promise<void> {
  demand('s3:PutObject', `${bucket.arn}/${key}`);
  if (request.headers['if-none-match'] !== undefined || request.headers['if-match'] !== undefined) {
    throw new AwsError('NotImplemented', 'The local S3 has no conditional writes.', 501);
  }
  const kept = keptHeaders(request.headers);
  const file = randomUUID();
  const { checksum, ...received } = await receive(request, contentSha256, bucket.journal.temporary(file));
  const object = { key, file, ...received, ...kept, ...(checksum && { checksum }) };
  const { versionId } = await storeVersion(bucket, object);
  const verified = checksum ? { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value } : {};
  response.writeHead(200, {
    etag: received.etag,
    ...ENCRYPTION,
    ...versionHeaders(bucket, versionId),
    ...verified,
    'content-length': 0,
  });
  response.end();
}

async function getObject(
  { request, response, principal, bucket, key, query, demand }: Call,
  access: Access,
): Promise<void> {
  const versionId = query.get('versionId') ?? undefined;
  demand(versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion', `${bucket.arn}/${key}`);
  const version = currentVersion(bucket, key, versionId);
  if (!version?.file) {
    if (versionId !== undefined) {
      throw new AwsError('NoSuchVersion', 'The specified version does not exist.', 404, {
        Key: key,
        VersionId: versionId,
      });
    }
    // Who may not list a bucket is not told that a key is missing.
    if (!access.holds(principal, 's3:ListBucket', bucket.arn)) throw new AwsError('AccessDenied', 'Access Denied', 403);
    throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key });
  }
  const range = parseRange(request.headers.range, version.size);
  if (range === 'invalid') {
    const details = { ActualObjectSize: String(version.size) };
    throw new AwsError('InvalidRange', 'The requested range is not satisfiable', 416, details);
  }
  const asked = request.headers['x-amz-checksum-mode'] === 'ENABLED' && !range ? version.checksum : undefined;
  response.writeHead(range ? 206 : 200, {
    ...headersOf(version),
    ...versionHeaders(bucket, version.versionId),
    'content-length': range ? range.end - range.start + 1 : version.size,
    ...(range ? { 'content-range': `bytes ${range.start}-${range.end}/${version.size}` } : {}),
    ...(asked ? { [`x-amz-checksum-${asked.algorithm}`]: asked.value } : {}),
  });
  if (request.method === 'HEAD' || version.size === 0) response.end();
  else await pipeline(createReadStream(bucket.journal.path(version.file), range ?? {}), response);
}

async function deleteObject({ response, bucket, key, query, demand }: Call): Promise<void> {
  const named = query.get('versionId') ?? undefined;
  demand(named === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', `${bucket.arn}/${key}`);
  const { journal } = bucket;
  const versions = journal.versions.get(key) ?? [];
  const headers: Record<string, string> = {};
  if (named === undefined && bucket.versioned) {
    const versionId = randomBytes(24).toString('base64url');
    await journal.put({ key, versionId, size: 0, etag: '', contentType: '', time: Date.now() });
    Object.assign(headers, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId });
  } else {
    for (const version of versions) {
      if (named === undefined || version.versionId === named) await journal.remove(version);
    }
    if (named !== undefined) headers['x-amz-version-id'] = named;
  }
  response.writeHead(204, headers).end();
}

function listObjectVersions({ response, bucket, query, demand }: Call): void {
  demand('s3:ListBucketVersions', bucket.arn, { 's3:prefix': query.get('prefix') ?? '' });
  const body = Buffer.from(listVersions(bucket, query));
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
}

async function dispatch(call: Call, buckets: Buckets, access: Access): Promise<void> {
  const { request, key, query } = call;
  const method = request.method ?? '';
  // The SDK names the operation in x-id, which has no meaning for S3.
  const operation = [...query.keys()].filter((name) => !/^(x-id|versionId|x-amz-.*)$/i.test(name));
  if (key !== '' && operation.length === 0) {
    const source = request.headers['x-amz-copy-source'];
    if (method === 'PUT' && source !== undefined) return copyAsset(call, buckets, String(source));
    if (method === 'PUT') return putObject(call);
    if (method === 'GET' || method === 'HEAD') return getObject(call, access);
    if (method === 'DELETE') return deleteObject(call);
  }
  if (key === '' && method === 'GET' && query.has('versions')) return listObjectVersions(call);
  throw new AwsError(
    'NotImplemented',
    `The local S3 has no ${method} ${key === '' ? 'bucket' : 'object'} ${operation}.`,
    501,
  );
}

/** S3 over path-style addresses: `/<bucket>/<key>`. Refusals are S3's own, as XML with S3's status. */
export function createS3Handler(buckets: Buckets, identities: Identities, access: Access, log: Log) {
  return async (request: IncomingMessage, response: ServerResponse, claim: Claim): Promise<void> => {
    try {
      const url = new URL(request.url ?? '/', 'https://s3');
      const [, name = '', ...rest] = (request.url ?? '/').split('?')[0]?.split('/') ?? [];
      const presigned = claim.expires !== undefined;
      const contentSha256 = presigned
        ? 'UNSIGNED-PAYLOAD'
        : String(request.headers['x-amz-content-sha256'] ?? EMPTY_SHA256);
      const signed = { method: request.method ?? '', target: request.url ?? '/', headers: request.headers };
      const principal = verifySignature(signed, claim, contentSha256, identities);
      refuseUnsigned(request, claim);
      // A presigned URL is used by a client, whose network is not the function's.
      if (!presigned) access.reach(principal, 's3');
      const bucket = buckets.find(decodeURIComponent(name));
      const call: Call = {
        request,
        response,
        principal,
        bucket,
        key: decodeURIComponent(rest.join('/')),
        query: url.searchParams,
        contentSha256,
        demand(action, resource, context) {
          access.demand(principal, action, resource, context);
          const facts = { 'aws:securetransport': 'true', 's3:tlsversion': '1.3', ...context };
          refuseDenied(bucket, { principal: principal.roleArn, action, resource, context: facts });
        },
      };
      await dispatch(call, buckets, access);
    } catch (error) {
      if (response.headersSent || response.destroyed) throw error;
      if (!(error instanceof AwsError)) log(`s3: ${request.method} ${request.url?.split('?')[0]}: ${reason(error)}`);
      const known = error instanceof AwsError ? error : new AwsError('InternalError', reason(error), 500);
      request.resume();
      const body = Buffer.from(request.method === 'HEAD' ? '' : errorXml(known, randomUUID()));
      response.writeHead(known.status, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
    }
  };
}
