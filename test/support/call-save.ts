import { randomUUID } from 'node:crypto';
import { saveBody } from '../../client/steps/save-body.ts';
import { encodeDelta } from '../../codec/index.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import { saveContentType } from '../../protocol/save.ts';
import { type Answer, offer, type User } from './user.ts';

/** A file that POST /save brings: its offer, and its content unless the service is to have it already. */
export interface SavedFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly base?: number;
  /** In place of the content as it is encoded; null sends none. */
  readonly encoded?: Uint8Array | null;
}

/** POST /save, of files of one block each, or empty. */
export async function callSave(
  user: User,
  files: readonly SavedFile[],
  uploadId: string = randomUUID(),
): Promise<Answer<{ results: CommitResult[] }>> {
  const offers = await Promise.all(files.map(({ path, content, base = 0 }) => offer(path, content, base)));
  const sent = files.flatMap(({ content, encoded = encodeDelta(new Uint8Array(0), content) }, index) => {
    const [block] = offers[index]!.blocks;
    return block && encoded ? [{ block, encoded }] : [];
  });
  const contents = sent.map(({ block, encoded }) => ({ ...block, bytes: encoded.length }));
  const body = await saveBody(
    { upload_id: uploadId, device_id: user.device, files: offers, contents },
    sent.map(({ encoded }) => encoded),
  );
  return user.call('POST', '/save', body, { 'content-type': saveContentType });
}
