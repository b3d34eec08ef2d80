import { limits } from '../../protocol/limits.ts';
import type { UploadInitRequest, UploadInitResponse } from '../../protocol/upload-init.ts';
import type { Databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { releasePins } from '../shared/tables/pins.ts';
import { openUpload, unanswered } from '../shared/upload/open-upload.ts';
import { type BlockToSend, claimBlocks, type WantedBlock } from './claim.ts';
import { usableDeltas } from './deltas.ts';

/**
 * Opens or renews an upload, pins every block that is there, and says how to send each one that is not.
 * Nothing the upload names can be collected until it expires.
 */
export async function initUpload(
  databases: Databases,
  userId: string,
  request: UploadInitRequest,
  policy: { crossUser: boolean; defaultQuota: number },
): Promise<Omit<UploadInitResponse, 'send'> & { send: BlockToSend[] }> {
  const person = personOf(databases, userId);
  const upload = await openUpload(person, request, policy.defaultQuota);
  const open = new Set(unanswered(upload.files).map(({ path }) => path));
  const files = request.files.filter(({ path }) => open.has(path));
  const deltas = await usableDeltas(ownNamespace(person), files);
  const wanted = new Map<string, WantedBlock>();
  for (const { blocks } of files) {
    for (const { hash, size } of blocks) {
      wanted.set(hash, { hash, size, held: upload.held.has(hash), delta: deltas.has(hash) });
    }
  }
  const { upload_id: uploadId, after = '' } = request;
  const claimed = await claimBlocks(databases.blocks, { userId, uploadId }, [...wanted.values()], {
    crossUser: policy.crossUser,
    isNew: upload.seen !== undefined,
  });
  await releasePins(databases.blocks, userId, upload.closed);
  const rest = claimed.filter(({ hash }) => hash > after).sort((one, other) => (one.hash < other.hash ? -1 : 1));
  const send = rest.slice(0, limits.sendsPerPage);
  return {
    upload_id: uploadId,
    expires_at: upload.expiresAt,
    refused: upload.refused,
    send,
    ...(rest.length > send.length && { next: send.at(-1)!.hash }),
  };
}
