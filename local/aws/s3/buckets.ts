import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCOUNT, type Provider, REGION } from '../../types.ts';
import { AwsError } from '../errors.ts';
import { type Journal, type ObjectVersion, openJournal } from './journal.ts';
import { headersOf } from './object-headers.ts';
import { type BucketPolicy, type Caller, readPolicy } from './policy.ts';

export interface Bucket {
  readonly name: string;
  readonly arn: string;
  readonly versioned: boolean;
  readonly journal: Journal;
  policy: BucketPolicy | undefined;
}

export interface Buckets {
  readonly providers: Readonly<Record<string, Provider>>;
  /** @throws AwsError NoSuchBucket */
  find(name: string): Bucket;
  /** The file of a deployment's asset, by the bucket that `cdk bootstrap` makes and the key in it. */
  asset(bucket: string, key: string): string | undefined;
  /** Reads an object for a service principal that only the bucket's policy can let in. */
  readAs(
    caller: Pick<Caller, 'principal' | 'context'>,
    name: string,
    key: string,
  ): Promise<{ headers: Readonly<Record<string, string>>; body: Buffer }>;
  close(): Promise<void>;
}

/** The newest version, or the one that is named. Undefined where there is none, or where it is a delete marker. */
export function currentVersion(bucket: Bucket, key: string, versionId?: string): ObjectVersion | undefined {
  const versions = bucket.journal.versions.get(key);
  const found = versionId === undefined ? versions?.at(-1) : versions?.find((v) => v.versionId === versionId);
  return found?.file === undefined ? undefined : found;
}

/** Makes what `journal.temporary` holds the current version of its key; without versioning it is the only one. */
export async function storeVersion(
  { journal, versioned }: Bucket,
  object: Omit<ObjectVersion, 'versionId' | 'time'>,
): Promise<ObjectVersion> {
  const versionId = versioned ? randomBytes(24).toString('base64url') : 'null';
  const replaced = versioned ? [] : (journal.versions.get(object.key) ?? []);
  for (const version of replaced) await journal.remove(version);
  const stored = { ...object, versionId, time: Date.now() };
  await journal.put(stored);
  return stored;
}

/** @throws AwsError AccessDenied where the bucket's policy denies the call */
export function refuseDenied(bucket: Bucket, caller: Caller): void {
  if (bucket.policy?.(caller) !== 'denied') return;
  const message = `User: ${caller.principal} is not authorized to perform: ${caller.action} on resource: "${caller.resource}" with an explicit deny in a resource-based policy`;
  throw new AwsError('AccessDenied', message, 403);
}

/** Where `cdk deploy` leaves assets, with the name that it has unless one gives another to `cdk bootstrap`. */
const ASSET_BUCKET = `cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;

/** Buckets under `<data>/s3`, made by the template's AWS::S3::Bucket resources. */
export function createBuckets(data: string, assets: ReadonlyMap<string, string> = new Map()): Buckets {
  const buckets = new Map<string, Bucket>();

  const find = (name: string): Bucket => {
    const bucket = buckets.get(name);
    if (bucket) return bucket;
    throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: name });
  };

  return {
    providers: {
      'AWS::S3::Bucket': async ({ properties, physicalName }) => {
        const name = String(properties.BucketName ?? physicalName);
        const versioning = properties.VersioningConfiguration as { Status?: string } | undefined;
        const journal = await openJournal(join(data, 's3', name));
        const arn = `arn:aws:s3:::${name}`;
        buckets.set(name, { name, arn, versioned: versioning?.Status === 'Enabled', journal, policy: undefined });
        const domain = `${name}.s3.amazonaws.com`;
        const regional = `${name}.s3.${REGION}.amazonaws.com`;
        return { ref: name, attributes: { Arn: arn, DomainName: domain, RegionalDomainName: regional } };
      },
      'AWS::S3::BucketPolicy': ({ properties, logicalId }) => {
        const bucket = find(String(properties.Bucket));
        bucket.policy = readPolicy(properties.PolicyDocument, logicalId);
        return { ref: bucket.name, attributes: {} };
      },
    },
    find,
    asset: (bucket, key) => (bucket === ASSET_BUCKET ? assets.get(key) : undefined),
    async readAs({ principal, context }, name, key) {
      const bucket = find(name);
      const caller = { principal, context, action: 's3:GetObject', resource: `${bucket.arn}/${key}` };
      refuseDenied(bucket, caller);
      const version = currentVersion(bucket, key);
      // Without s3:ListBucket a missing object looks like a forbidden one; OAC never has it.
      if (!version?.file || bucket.policy?.(caller) !== 'allowed')
        throw new AwsError('AccessDenied', 'Access Denied', 403);
      const headers = { ...headersOf(version), 'x-amz-version-id': version.versionId };
      return { headers, body: await readFile(bucket.journal.path(version.file)) };
    },
    async close() {
      await Promise.all([...buckets.values()].map((bucket) => bucket.journal.close()));
    },
  };
}
