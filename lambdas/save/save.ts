import { DeltaError } from '../../codec/index.ts';
import type { Contents } from '../../protocol/changes.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import type { ItemError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { SaveHeader } from '../../protocol/save.ts';
import { itemError } from '../shared/answers/errors.ts';
import { decodeContent } from '../shared/commit/content.ts';
import { receivePacks, usePacks } from '../shared/commit/sent-packs.ts';
import type { Databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { releasePins } from '../shared/tables/pins.ts';
import { finishUpload } from '../shared/upload/finish-upload.ts';
import { openUpload, unanswered } from '../shared/upload/open-upload.ts';
import { placeContents, placedContents, type SentContent } from './keep-contents.ts';
import { bytesByPack, cutPacks, packsFor } from './packed-contents.ts';

/**
 * Opens an upload, keeps the contents that came along, and commits every file that has all of its blocks. A content that
 * is not what it says fails the files that need it, and these alone.
 */
export async function saveFiles(
  databases: Databases,
  userId: string,
  { header, contents }: { header: SaveHeader; contents: readonly (Uint8Array | undefined)[] },
  defaultQuota: number,
): Promise<{ results: CommitResult[]; missing: string[] }> {
  const { blocks } = databases;
  const person = personOf(databases, userId);
  const { files, held, seen, refused, closed } = await openUpload(person, header, defaultQuota);
  const wanted = new Set(unanswered(files).flatMap(({ hashes }) => hashes));
  const sent = header.contents.map((block, index) => ({ ...block, encoded: contents[index] }));
  const packs = packsFor(header, wanted);
  const came = [...sent, ...cutPacks(header, await receivePacks(blocks, userId, packs))];
  const { good, bad } = await check(came, wanted);
  const key = { userId, uploadId: header.upload_id };
  const places = await placeContents(blocks, good);
  const upload = { key, deviceId: header.device_id, timeline: header.timeline };
  const pushed = header.files.length === 1 ? carried(good) : undefined;
  const arriving = placedContents(key, places);
  const offer = { files, held, seen, isPinned: !seen, arriving, ...(pushed && { contents: pushed }) };
  const { results, missing } = await finishUpload(blocks, ownNamespace(person), upload, offer);
  await releasePins(blocks, userId, closed);
  await usePacks(blocks, userId, packs, bytesByPack(good.filter(({ hash }) => !held.has(hash))));

  const byPath = new Map([...refused, ...results].map((result) => [result.path, result]));
  const answers = header.files.map((file) => {
    const result = byPath.get(file.path)!;
    const error = file.blocks.map(({ hash }) => bad.get(hash)).find((error) => error !== undefined);
    const isLacking = 'error' in result && result.error.code === 'blocks_missing';
    return isLacking && error ? { path: file.path, error } : result;
  });
  return { results: answers, missing };
}

/** What pushes carry of the contents of a file: all, or nothing where that is more than a row takes. */
function carried(contents: readonly SentContent[]): Contents | undefined {
  const bytes = contents.reduce((sum, { encoded }) => sum + encoded.length, 0);
  if (bytes > limits.rowBytes) return undefined;
  return Object.fromEntries(contents.map(({ hash, encoded }) => [hash, Buffer.from(encoded).toString('base64')]));
}

/** A content that came for a block, if it did. */
type Came = Pick<SentContent, 'hash' | 'size' | 'sent'> & { readonly encoded?: Uint8Array | undefined };

/** Decodes what came for blocks that are wanted. */
async function check(
  came: readonly Came[],
  wanted: ReadonlySet<string>,
): Promise<{ good: SentContent[]; bad: Map<string, ItemError> }> {
  const good = new Map<string, SentContent>();
  const bad = new Map<string, ItemError>();
  for (const { hash, size, encoded, sent } of came) {
    if (!encoded || !wanted.has(hash) || good.has(hash)) continue;
    try {
      await decodeContent({ encoded }, hash, size);
      good.set(hash, { hash, size, encoded, sent });
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      bad.set(hash, itemError('bad_delta', error.message));
    }
  }
  return { good: [...good.values()], bad };
}
