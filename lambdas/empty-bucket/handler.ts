import { DeleteObjectCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import * as z from 'zod';
import { customResource } from '../shared/runtime/custom-resource.ts';
import { logger } from '../shared/runtime/log.ts';

const Properties = z.object({
  Bucket: z.string(),
  /** Whether the bucket goes with its stack. */
  Empty: z.enum(['true', 'false']),
});

/** Custom resource: nothing while it is there; when it is deleted, every version of every object of its bucket goes. */
export const handler = customResource(
  async () => ({}),
  async (properties) => {
    const { Bucket, Empty } = Properties.parse(properties);
    if (Empty === 'true') logger.info('emptied', { bucket: Bucket, versions: await emptyBucket(Bucket) });
  },
);

const client = new S3Client({});

/** Pages, from the first again until there is none: what has been deleted is no longer listed. */
async function emptyBucket(Bucket: string): Promise<number> {
  let deleted = 0;
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    const all = [...Versions, ...DeleteMarkers];
    if (all.length === 0) return deleted;
    await pMap(all, ({ Key, VersionId }) => client.send(new DeleteObjectCommand({ Bucket, Key, VersionId })), {
      concurrency: 50,
    });
    deleted += all.length;
  }
}
