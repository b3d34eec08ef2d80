import type { Namespace } from '../database/rows.ts';
import { ms } from '../database/sql.ts';
import type { Upload } from './uploads.ts';

/** An upload that waits for finalize. */
export interface OpenUpload {
  upload_id: string;
  /** Distinct blocks that it pins. */
  blocks: number;
  /** Of the same device, and every file that waits for its answer is offered anew. */
  overtaken: boolean;
}

/**
 * What is there when a device offers files at these paths under an id: the upload of that id, and all of the user's that
 * are open, the one that was renewed last first.
 */
export async function findStanding(
  { sql, schema, id }: Namespace,
  uploadId: string,
  { deviceId, paths }: { deviceId: string; paths: readonly string[] },
): Promise<{ upload: Upload | undefined; open: OpenUpload[] }> {
  const { rows } = await sql.query<Upload & OpenUpload>(
    `select upload_id, blocks, device_id, offer_digest, case when upload_id = $2 then refused end as refused,
       ${ms('expires_at')} as expires_at, expires_at < now() as expired, state, kept_bytes,
       case when device_id = $3 then coalesce(
         (select bool_and(f.path = any($4)) from ${schema}.upload_files f
          where f.user_id = $1 and f.upload_id = u.upload_id and f.result is null), false) else false end as overtaken
     from ${schema}.uploads u
     where user_id = $1 and (upload_id = $2 or (state = 'open' and u.expires_at > now()))
     order by u.expires_at desc, upload_id`,
    [id, uploadId, deviceId, paths],
  );
  return {
    upload: rows.find(({ upload_id }) => upload_id === uploadId),
    open: rows.filter(({ state, expired }) => state === 'open' && !expired),
  };
}
