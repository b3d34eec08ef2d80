import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';

const CACHE_CONTROL = 'public, max-age=31536000, immutable';
const body = Buffer.from('0123456789');
let cloud: Fixture;
let s3: S3Client;
let domain: string;
let keyId: string;
let bucketArn: string;
let distributionId: string;
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** The part of a cache policy that makes these query parameters count. */
const counting = (...QueryStrings: string[]) => ({
  ParametersInCacheKeyAndForwardedToOrigin: {
    QueryStringsConfig: { QueryStringBehavior: 'whitelist', QueryStrings },
  },
});
const setPolicy = (source: string) =>
  cloud.provide('AWS::S3::BucketPolicy', 'Policy', {
    Bucket: bucketArn.replace('arn:aws:s3:::', ''),
    PolicyDocument: {
      Statement: [
        {
          Effect: 'Deny',
          Action: 's3:*',
          Principal: { AWS: '*' },
          Resource: [bucketArn, `${bucketArn}/*`],
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
        {
          Effect: 'Allow',
          Action: 's3:GetObject',
          Principal: { Service: 'cloudfront.amazonaws.com' },
          Resource: `${bucketArn}/*`,
          Condition: { StringEquals: { 'AWS:SourceArn': source } },
        },
      ],
    },
  });
const sourceArn = () => `arn:aws:cloudfront::000000000000:distribution/${distributionId}`;

beforeAll(async () => {
  cloud = await startFixture();
  const bucket = await cloud.provide('AWS::S3::Bucket', 'Blocks', { VersioningConfiguration: { Status: 'Enabled' } });
  bucketArn = String(bucket.attributes.Arn);
  const control = await cloud.provide('AWS::CloudFront::OriginAccessControl', 'Oac', {});
  const EncodedKey = pair.publicKey.export({ type: 'spki', format: 'pem' });
  keyId = (await cloud.provide('AWS::CloudFront::PublicKey', 'Key', { PublicKeyConfig: { EncodedKey } })).ref;
  const group = await cloud.provide('AWS::CloudFront::KeyGroup', 'Group', { KeyGroupConfig: { Items: [keyId] } });
  const headers = await cloud.provide('AWS::CloudFront::ResponseHeadersPolicy', 'Headers', {
    ResponseHeadersPolicyConfig: {
      CustomHeadersConfig: { Items: [{ Header: 'Cache-Control', Value: CACHE_CONTROL, Override: true }] },
      RemoveHeadersConfig: { Items: [{ Header: 'Last-Modified' }, { Header: 'Age' }] },
    },
  });
  const cachePolicy = await cloud.provide('AWS::CloudFront::CachePolicy', 'Cache', {
    CachePolicyConfig: { MinTTL: 60, DefaultTTL: 60, MaxTTL: 60, ...counting('x-entry') },
  });
  const distribution = await cloud.provide('AWS::CloudFront::Distribution', 'Cdn', {
    DistributionConfig: {
      Origins: [
        { Id: 'o', DomainName: bucket.attributes.RegionalDomainName, OriginAccessControlId: control.attributes.Id },
      ],
      DefaultCacheBehavior: {
        TargetOriginId: 'o',
        TrustedKeyGroups: [group.ref],
        ResponseHeadersPolicyId: headers.ref,
        CachePolicyId: cachePolicy.ref,
      },
    },
  });
  domain = String(distribution.attributes.DomainName);
  distributionId = distribution.ref;
  await setPolicy(sourceArn());
  s3 = new S3Client(cloud.client(cloud.principal('all', ['s3:*'])));
  for (const name of ['a', 'b', 'c']) await store(name, { Body: body });
});
const store = (name: string, object: { Body: Buffer; ContentEncoding?: string; Metadata?: Record<string, string> }) =>
  s3.send(new PutObjectCommand({ Bucket: bucketArn.replace('arn:aws:s3:::', ''), Key: `blocks/${name}`, ...object }));
afterAll(() => cloud.stop());

const urlSafe = (bytes: Buffer) =>
  bytes.toString('base64').replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~');

interface Signing {
  readonly seconds?: number;
  readonly key?: KeyObject;
  readonly id?: string;
  readonly hash?: 'SHA1' | 'SHA256';
  /** A custom policy in place of the canned one. */
  readonly resource?: string;
}

function sign(
  path: string,
  { seconds = 60, key = pair.privateKey, id = keyId, hash = 'SHA1', resource }: Signing = {},
): string {
  const url = `https://${domain}${path}`;
  const expires = Math.floor(Date.now() / 1000) + seconds;
  const condition = { DateLessThan: { 'AWS:EpochTime': expires } };
  const policy = JSON.stringify({ Statement: [{ Resource: resource ?? url, Condition: condition }] });
  const first = resource ? `Policy=${urlSafe(Buffer.from(policy))}` : `Expires=${expires}`;
  const signature = urlSafe(createSign(hash).update(policy).sign(key));
  const algorithm = hash === 'SHA256' ? '&Hash-Algorithm=SHA256' : '';
  return `${url}${url.includes('?') ? '&' : '?'}${first}&Signature=${signature}&Key-Pair-Id=${id}${algorithm}`;
}

describe('the edge', () => {
  test('answers a signed URL from the bucket first and from its cache then', async () => {
    const before = cloud.services.edgeReport();
    const miss = await fetch(sign('/blocks/a'));
    expect(Buffer.from(await miss.arrayBuffer()).equals(body)).toBe(true);
    expect(miss.headers.get('x-cache')).toBe('Miss from cloudfront');
    expect(miss.headers.get('cache-control')).toBe(CACHE_CONTROL);
    const hit = await fetch(sign('/blocks/a'), { headers: { range: 'bytes=2-4' } });
    expect([hit.status, await hit.text()]).toEqual([206, '234']);
    expect(hit.headers.get('x-cache')).toBe('Hit from cloudfront');
    expect(hit.headers.get('age')).toMatch(/^\d+$/);
    const after = cloud.services.edgeReport();
    expect([after.hits - before.hits, after.misses - before.misses, after.bytes - before.bytes]).toEqual([1, 1, 13]);
  });

  test('takes SHA-256 signatures and custom policies', async () => {
    expect((await fetch(sign('/blocks/a', { hash: 'SHA256' }))).status).toBe(200);
    expect((await fetch(sign('/blocks/a', { resource: `https://${domain}/blocks/*` }))).status).toBe(200);
    expect((await fetch(sign('/blocks/a', { resource: `https://${domain}/other/*` }))).status).toBe(403);
  });

  test('refuses URLs that are unsigned, expired, of another path or of another key, cached or not', async () => {
    const refusal = async (url: string) => {
      const response = await fetch(url);
      return [response.status, /<Code>(\w+)<\/Code>/.exec(await response.text())?.[1]];
    };
    expect(await refusal(`https://${domain}/blocks/a`)).toEqual([403, 'MissingKey']);
    expect(await refusal(sign('/blocks/a', { seconds: -1 }))).toEqual([403, 'AccessDenied']);
    expect(await refusal(sign('/blocks/a').replace('/blocks/a', '/blocks/b'))).toEqual([403, 'AccessDenied']);
    expect(await refusal(sign('/blocks/a', { key: stranger.privateKey }))).toEqual([403, 'AccessDenied']);
    expect(await refusal(sign('/blocks/a', { id: 'KUNKNOWN' }))).toEqual([403, 'InvalidKey']);
    expect(await refusal(sign('/blocks/a', { hash: 'SHA256' }).replace('&Hash-Algorithm=SHA256', ''))).toEqual([
      403,
      'AccessDenied',
    ]);
  });

  test('reads through the bucket policy: without it, a block that is not cached is refused', async () => {
    await setPolicy('arn:aws:cloudfront::000000000000:distribution/ANOTHER');
    expect((await fetch(sign('/blocks/c'))).status).toBe(403);
    expect((await fetch(sign('/blocks/a'))).status).toBe(200);
    await setPolicy(sourceArn());
    expect((await fetch(sign('/blocks/c'))).status).toBe(200);
    expect((await fetch(sign('/blocks/none'))).status).toBe(403);
  });

  test('passes on what S3 keeps beside the bytes, but for what the policy removes; its own headers stay', async () => {
    await store('labelled', { Body: body, ContentEncoding: 'x-unknown', Metadata: { upload: 'token' } });
    await fetch(sign('/blocks/labelled'));
    const { headers } = await fetch(sign('/blocks/labelled'));
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-encoding': 'x-unknown',
      etag: expect.any(String),
      'x-amz-meta-upload': 'token',
      'x-amz-server-side-encryption': 'AES256',
      'x-amz-version-id': expect.any(String),
      'x-cache': 'Hit from cloudfront',
      age: expect.any(String),
    });
    expect(headers.has('last-modified')).toBe(false);
  });

  test('goes on serving what it has, whatever became of the object, but under another parameter that counts', async () => {
    await store('replaced', { Body: Buffer.from('damaged') });
    const read = async (path: string) => await (await fetch(sign(path))).text();
    expect(await read('/blocks/replaced')).toBe('damaged');
    await store('replaced', { Body: Buffer.from('whole') });
    expect(await read('/blocks/replaced')).toBe('damaged');
    expect(await read('/blocks/replaced?other=1')).toBe('damaged');
    expect(await read('/blocks/replaced?x-entry=1')).toBe('whole');
    const moved = sign('/blocks/replaced?x-entry=1').replace('x-entry=1', 'x-entry=2');
    expect((await fetch(moved)).status).toBe(403);
  });

  test('takes no policy that CloudFront refuses, nor one by which a viewer could tell S3 what to answer', async () => {
    for (const Header of ['Content-Encoding', 'X-Cache']) {
      const ResponseHeadersPolicyConfig = { RemoveHeadersConfig: { Items: [{ Header }] } };
      const policy = cloud.provide('AWS::CloudFront::ResponseHeadersPolicy', 'Bad', { ResponseHeadersPolicyConfig });
      await expect(policy).rejects.toThrow(`removes no header ${Header.toLowerCase()}`);
    }
    const CachePolicyConfig = counting('versionId');
    const policy = cloud.provide('AWS::CloudFront::CachePolicy', 'Bad', { CachePolicyConfig });
    await expect(policy).rejects.toThrow('S3 would get the parameter versionId');
  });
});
