import { DeleteObjectCommand, ListObjectVersionsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { readRunning } from '../../local/kept/running.ts';

/** Deletes all versions of a block's object behind the service's back. */
export async function loseObject(data: string, hash: string): Promise<void> {
  const { client, Bucket } = await asFunction(data, 'Gc');
  const Key = `blocks/${hash}`;
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
  for (const { VersionId } of Versions) await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
}

/** Puts a version of a block's object beside the service, with headers that no signed upload may have. */
export async function putObject(
  data: string,
  hash: string,
  object: { Body: Uint8Array; ContentEncoding?: string; Metadata?: Record<string, string> },
): Promise<void> {
  const { client, Bucket } = await asFunction(data, 'DeltaApply');
  await client.send(new PutObjectCommand({ Bucket, Key: `blocks/${hash}`, ...object }));
}

/** S3 as a function of the cloud on this data folder reaches it, with the function's own credentials. */
async function asFunction(data: string, name: string): Promise<{ client: S3Client; Bucket: string }> {
  const { functions } = await readRunning(data);
  const { environment } = functions.find(({ definition }) => definition.name === name)!;
  const client = new S3Client({
    region: environment.AWS_REGION!,
    endpoint: environment.AWS_ENDPOINT_URL_S3!,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID!,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
      sessionToken: environment.AWS_SESSION_TOKEN!,
    },
  });
  return { client, Bucket: environment.BLOCK_BUCKET! };
}
