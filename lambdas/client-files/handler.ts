import { CopyObjectCommand, S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { customResource } from '../shared/runtime/custom-resource.ts';

const Properties = z.object({
  /** Where the deployment's assets are. */
  From: z.string(),
  Bucket: z.string(),
  /** Begins the keys of the copies. */
  Prefix: z.string(),
  /** Keys of assets by the names of the copies. */
  Files: z.record(z.string(), z.string()),
});

const client = new S3Client({});

/**
 * Custom resource: copies the files of a client to where the CDN reads them. It takes none away, so that who has begun
 * to update ends it, and a deployment that is rolled back finds its own.
 */
export const handler = customResource(async (properties) => {
  const { From, Bucket, Prefix, Files } = Properties.parse(properties);
  for (const [name, key] of Object.entries(Files)) {
    await client.send(new CopyObjectCommand({ Bucket, Key: `${Prefix}${name}`, CopySource: `${From}/${key}` }));
  }
  return {};
});
