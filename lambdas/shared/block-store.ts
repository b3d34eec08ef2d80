import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { limits } from '../../protocol/limits.ts';
import { once, requireEnv } from './env.ts';

/** Whoever reads a block compares its hash; the SDK would fail the whole call for one that is damaged. */
const client = once(() => new S3Client({ responseChecksumValidation: 'WHEN_REQUIRED' }));
const PREFIX = 'blocks/';
const TOKEN_HEADER = 'x-amz-meta-upload';

function objectOf(hash: string): { Bucket: string; Key: string } {
  return { Bucket: requireEnv('BLOCK_BUCKET'), Key: PREFIX + hash };
}

/**
 * Signs the upload of one block. S3 refuses any other content (SHA-256) or length, and stores `token` with the object:
 * that a content is there proves nothing, that it came with this token proves who sent it.
 */
export async function signUpload(
  hash: string,
  size: number,
  token: string,
): Promise<{ url: string; headers: Record<string, string> }> {
  const checksum = Buffer.from(hash, 'hex').toString('base64');
  const command = new PutObjectCommand({
    ...objectOf(hash),
    ChecksumSHA256: checksum,
    ContentLength: size,
    Metadata: { upload: token },
  });
  const headers = { 'x-amz-checksum-sha256': checksum, [TOKEN_HEADER]: token };
  // Hoisted into the query, as the presigner does by default, S3 would accept a request without them.
  const unhoistableHeaders = new Set(Object.keys(headers));
  const url = await getSignedUrl(client(), command, { expiresIn: limits.urlSeconds, unhoistableHeaders });
  return { url, headers };
}

/** A block's object. */
export interface StoredBlock {
  /** Bytes. */
  readonly size: number;
  /** Which upload it came with. */
  readonly token: string | undefined;
  /** Id of the object's current version. */
  readonly version: string;
}

/** What is stored of a block, or nothing where there is none. */
export async function findBlock(hash: string): Promise<StoredBlock | undefined> {
  try {
    const head = await client().send(new HeadObjectCommand(objectOf(hash)));
    return { size: head.ContentLength ?? 0, token: head.Metadata?.upload, version: head.VersionId! };
  } catch (error) {
    // For a missing key S3 answers 404 only to a role that may list the bucket; 403 is a missing grant.
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404;
}

export async function readBlock(hash: string): Promise<Uint8Array> {
  const { Body } = await client().send(new GetObjectCommand(objectOf(hash)));
  return await Body!.transformToByteArray();
}

/** A block's content with the id of the object version that it is, or nothing where there is none. */
export async function readBlockVersion(hash: string): Promise<{ content: Uint8Array; version: string } | undefined> {
  try {
    const { Body, VersionId } = await client().send(new GetObjectCommand(objectOf(hash)));
    return { content: await Body!.transformToByteArray(), version: VersionId! };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The stored blocks after a hash, in order, with their sizes in bytes: one page, up to `last`; the end has none. */
export async function listBlocks(after: string): Promise<{ sizes: Map<string, number>; last: string | undefined }> {
  const page = await client().send(
    new ListObjectVersionsCommand({
      Bucket: requireEnv('BLOCK_BUCKET'),
      Prefix: PREFIX,
      ...(after !== '' && { KeyMarker: PREFIX + after }),
    }),
  );
  const { Versions = [], DeleteMarkers = [], IsTruncated } = page;
  const hashOf = ({ Key }: { Key?: string | undefined }) => Key!.slice(PREFIX.length);
  const current = Versions.filter(({ IsLatest }) => IsLatest);
  // The newest version of a key comes first, so that of the last key was seen even if older ones were cut off.
  const ends = [Versions.at(-1), DeleteMarkers.at(-1)].flatMap((entry) => (entry ? [hashOf(entry)] : []));
  return {
    sizes: new Map(current.map((version) => [hashOf(version), version.Size!])),
    last: IsTruncated ? ends.sort().at(-1) : undefined,
  };
}

/** Stores a block whose content was verified; S3 checks the hash once more. */
export async function writeBlock(hash: string, content: Uint8Array): Promise<void> {
  const checksum = Buffer.from(hash, 'hex').toString('base64');
  await client().send(new PutObjectCommand({ ...objectOf(hash), Body: content, ChecksumSHA256: checksum }));
}

/** Ids of versions of a block's object, the newest and so the current one first: a page of them, with whether there are more. */
export async function listObjectVersions(hash: string): Promise<{ versions: string[]; more: boolean }> {
  const { Bucket, Key } = objectOf(hash);
  const page = await client().send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
  const found = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
  return { versions: found.map(({ VersionId }) => VersionId!), more: page.IsTruncated === true };
}

export async function deleteObjectVersion(hash: string, versionId: string): Promise<void> {
  await client().send(new DeleteObjectCommand({ ...objectOf(hash), VersionId: versionId }));
}
