/* The blocks in S3: signing, looking, reading, writing, deleting by version. */

import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { limits } from '../../../protocol/limits.ts';
import { once, requireEnv } from '../runtime/env.ts';

/** Whoever reads a block compares its hash; the SDK would fail the whole call for one that is damaged. */
const client = once(() => new S3Client({ responseChecksumValidation: 'WHEN_REQUIRED' }));
const PREFIX = 'blocks/';
const TOKEN_HEADER = 'x-amz-meta-upload';

/**
 * What S3 keeps beside the bytes of an upload and every reader is told: how to decode, cache and show them. All that an
 * uploader could choose is fixed, by the signature, to what says: these are the bytes, and nothing else.
 */
const FIXED = {
  'cache-control': 'public, max-age=31536000, immutable',
  'content-disposition': 'attachment',
  'content-encoding': 'identity',
  // ISO 639-2: no linguistic content.
  'content-language': 'zxx',
  'content-type': 'application/octet-stream',
  expires: 'Thu, 31 Dec 2099 00:00:00 GMT',
} as const;

/** The same in the SDK's words. */
const fixedInput = {
  CacheControl: FIXED['cache-control'],
  ContentDisposition: FIXED['content-disposition'],
  ContentEncoding: FIXED['content-encoding'],
  ContentLanguage: FIXED['content-language'],
  ContentType: FIXED['content-type'],
  Expires: new Date(FIXED.expires),
};

/** Whether an object is read as its bytes by everybody. */
function isPlain(head: HeadObjectCommandOutput | GetObjectCommandOutput): boolean {
  const { Expires: _, ...texts } = fixedInput;
  const differs = Object.entries(texts).some(([name, value]) => head[name as keyof typeof texts] !== value);
  return !differs && head.ExpiresString === FIXED.expires;
}

function objectOf(hash: string): { Bucket: string; Key: string } {
  return { Bucket: requireEnv('BLOCK_BUCKET'), Key: PREFIX + hash };
}

/**
 * Signs the upload of one block. S3 refuses any other content (SHA-256), length or header that it would keep, and stores
 * `token` with the object: that a content is there proves nothing, that it came with this token proves who sent it.
 */
export async function signUpload(
  hash: string,
  size: number,
  token: string,
): Promise<{ url: string; headers: Record<string, string> }> {
  const checksum = Buffer.from(hash, 'hex').toString('base64');
  const command = new PutObjectCommand({
    ...objectOf(hash),
    ...fixedInput,
    ChecksumSHA256: checksum,
    ContentLength: size,
    Metadata: { upload: token },
  });
  const headers = { ...FIXED, 'x-amz-checksum-sha256': checksum, [TOKEN_HEADER]: token };
  const names = new Set(Object.keys(headers));
  // By default the presigner leaves some headers unsigned and hoists others into the query: S3 would accept a request
  // without the latter, and keep whatever the former say.
  const signing = { signableHeaders: names, unhoistableHeaders: names };
  const url = await getSignedUrl(client(), command, { expiresIn: limits.urlSeconds, ...signing });
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
  /** Nothing beside the bytes says how to read them. One that is not plain is as good as damaged. */
  readonly plain: boolean;
}

/** What is stored of a block, or nothing where there is none. */
export async function findBlock(hash: string): Promise<StoredBlock | undefined> {
  const head = await ifThere(client().send(new HeadObjectCommand(objectOf(hash))));
  return (
    head && {
      size: head.ContentLength ?? 0,
      token: head.Metadata?.upload,
      version: head.VersionId!,
      plain: isPlain(head),
    }
  );
}

/** A block's content with the id of the object version that it is, or nothing where there is none. */
export async function readBlock(
  hash: string,
): Promise<(Omit<StoredBlock, 'size'> & { content: Uint8Array }) | undefined> {
  const object = await ifThere(client().send(new GetObjectCommand(objectOf(hash))));
  return (
    object && {
      content: await object.Body!.transformToByteArray(),
      token: object.Metadata?.upload,
      version: object.VersionId!,
      plain: isPlain(object),
    }
  );
}

/** So many bytes of a block from `at` on, unverified, or nothing where the object is missing or ends before. */
export async function readPart(hash: string, at: number, bytes: number): Promise<Uint8Array | undefined> {
  const range = `bytes=${at}-${at + bytes - 1}`;
  const object = await ifThere(client().send(new GetObjectCommand({ ...objectOf(hash), Range: range })));
  return object && (await object.Body!.transformToByteArray());
}

/**
 * Nothing where the object, or the part of it, is missing. S3 answers 404 for a missing key only to a role that may list
 * the bucket, which every reader may: 403 is a missing grant, and a fault.
 */
async function ifThere<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status === 404 || status === 416) return undefined;
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

/** Stores a block whose content was verified; S3 checks the hash once more. Answers the id of the object version. */
export async function writeBlock(hash: string, content: Uint8Array): Promise<string> {
  const checksum = Buffer.from(hash, 'hex').toString('base64');
  const object = { ...objectOf(hash), ...fixedInput };
  const command = new PutObjectCommand({ ...object, Body: content, ChecksumSHA256: checksum });
  return (await client().send(command)).VersionId!;
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
