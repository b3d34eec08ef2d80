import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { ItemError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { UploadInitRequest, UploadInitResponse } from '../../../protocol/upload-init.ts';
import { excerpt, itemError, Refusal } from '../answers/errors.ts';
import { directoryRefusals, refusal } from '../commit/path-rules.ts';
import { keptBytes, type Room, roomOf, take } from '../commit/room.ts';
import { lookAround, type Seen } from '../commit/surroundings.ts';
import { within } from '../database/database.ts';
import { type Database, type Namespace, ownNamespace, type Person } from '../database/rows.ts';
import { type Account, findAccount, lockAccount } from '../tables/accounts.ts';
import { requireDevice } from '../tables/devices.ts';
import { filterHeld } from '../tables/held-blocks.ts';
import { findStanding, type OpenUpload } from '../tables/open-uploads.ts';
import {
  blocksOf,
  checkUpload,
  closeUploads,
  insertUpload,
  renewUpload,
  requireUploadFiles,
  type Upload,
  type UploadFile,
} from '../tables/uploads.ts';

type Offered = UploadInitRequest['files'][number];

interface OpenedUpload {
  expiresAt: number;
  refused: UploadInitResponse['refused'];
  /** All of its files, whether or not they have an answer. */
  files: UploadFile[];
  /** Of the blocks of those that have none, which some version of this user holds. */
  held: ReadonlySet<string>;
  /** Older uploads that gave way to this one. Their pins go once this one has its own: it signs with their tokens. */
  closed: string[];
  /** Where its files are to come, if this call made it: nothing is pinned for it yet. */
  seen?: Seen;
}

/** What opens an upload: its id, whose it is, and what it offers. */
type Opening = Pick<UploadInitRequest, 'upload_id' | 'device_id' | 'files'>;

/**
 * Registers the upload, or finds it again. Uploads of the device that it overtakes give way to it.
 * @throws Refusal for what cannot be offered, and `upload_gone` where the id stands for another upload or one that is over
 */
export async function openUpload(
  person: Person<Database>,
  request: Opening,
  defaultQuota: number,
): Promise<OpenedUpload> {
  checkOffer(request.files);
  const digest = offerDigest(request.files);
  return await within(person, async (person) => {
    const namespace = ownNamespace(person);
    const account = await lockAccount(namespace);
    const { upload_id: uploadId, device_id: deviceId } = request;
    await requireDevice(person, deviceId);
    const paths = request.files.map(({ path }) => path);
    const { upload, open } = await findStanding(namespace, uploadId, { deviceId, paths });
    if (upload) return await renew(namespace, request, { upload, digest });
    return await make(namespace, request, { account, digest, open, defaultQuota });
  });
}

async function renew(
  namespace: Namespace<PoolClient>,
  { upload_id: uploadId }: Opening,
  { upload, digest }: { upload: Upload; digest: Buffer },
): Promise<OpenedUpload> {
  checkUpload(upload);
  if (!upload.offer_digest.equals(digest)) {
    throw new Refusal('upload_gone', 'this upload_id stands for other files: take a new upload_id');
  }
  const expiresAt = await renewUpload(namespace, uploadId);
  const files = await requireUploadFiles(namespace, uploadId);
  const held = await filterHeld(namespace, [...new Set(unanswered(files).flatMap(({ hashes }) => hashes))]);
  return { expiresAt, refused: upload.refused, files, held, closed: [] };
}

async function make(
  namespace: Namespace<PoolClient>,
  { upload_id: uploadId, device_id: deviceId, files: offered }: Opening,
  {
    digest,
    open,
    defaultQuota,
    ...now
  }: { account: Account; digest: Buffer; open: OpenUpload[]; defaultQuota: number },
): Promise<OpenedUpload> {
  let { account } = now;
  const overtaken = open.filter(({ overtaken }) => overtaken).map(({ upload_id }) => upload_id);
  await closeUploads(namespace, overtaken);
  if (overtaken.length > 0) account = await findAccount(namespace);
  const room = roomOf(account, account.quota_bytes ?? defaultQuota);
  const { seen, held, refused, files, keptBytes } = await checkFiles(namespace, offered, { account, room });
  const upload = { uploadId, deviceId, digest, refused, files, keptBytes };
  const expiresAt = await insertUpload(namespace, upload, defaultQuota);
  const older = open.filter(({ overtaken }) => !overtaken);
  const tooMany = beyondLimits(older, blocksOf(files));
  await closeUploads(namespace, tooMany);
  return { expiresAt, refused, files, held, closed: [...overtaken, ...tooMany], seen };
}

/** The files of an upload that have no answer yet. */
export function unanswered<File extends UploadFile>(files: readonly File[]): File[] {
  return files.filter(({ result }) => result === null);
}

/**
 * Of open uploads, the one that was renewed last first, those beyond what may be open beside a new one.
 * @param blocks of the new one
 */
function beyondLimits(older: readonly OpenUpload[], blocks: number): string[] {
  let pinned = blocks;
  return older.flatMap((upload, index) => {
    pinned += upload.blocks;
    return index + 2 > limits.openUploads || pinned > limits.openBlocks ? [upload.upload_id] : [];
  });
}

function checkOffer(files: readonly Offered[]): void {
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size < files.length) throw new Refusal('bad_request', 'a path comes twice in this call');
  const blocks = files.reduce((sum, file) => sum + file.blocks.length, 0);
  if (blocks > limits.blocksPerCall) {
    throw new Refusal('limit_exceeded', `${blocks} blocks in one call, at most ${limits.blocksPerCall} are taken`);
  }
  for (const { path, kind, blocks, size } of files) {
    if (kind === 'directory' && (blocks.length > 0 || size > 0)) {
      throw new Refusal('bad_request', `'${excerpt(path)}' is a directory and has no content`);
    }
    if (kind === 'link' && (blocks.length !== 1 || size > limits.pathBytes)) {
      throw new Refusal('bad_request', `'${excerpt(path)}' is a link, and its content is a path`);
    }
  }
}

interface Checked {
  seen: Seen;
  /** Of all blocks that are offered, those that some version of the user holds. */
  held: ReadonlySet<string>;
  refused: UploadInitResponse['refused'];
  files: UploadFile[];
  /** What the upload adds to what is kept for the user. */
  keptBytes: number;
}

/** Says early what finalize would refuse, and how much each of the others may add to what the user has. */
async function checkFiles(
  namespace: Namespace<PoolClient>,
  offered: readonly Offered[],
  { account, room }: { account: Account; room: Room },
): Promise<Checked> {
  const files = offered.map(toUploadFile);
  const seen = { after: account, ...(await lookAround(namespace, files)) };
  const tooMany = directoryRefusals(files.map(({ path }) => [path]));
  const held = await filterHeld(namespace, [...new Set(files.flatMap(({ hashes }) => hashes))]);
  const known = new Set(held);
  const checked: Checked = { seen, held, refused: [], files: [], keptBytes: keptBytes(0) };
  for (const [index, file] of files.entries()) {
    const target = seen.targets.get(file.path)!;
    const sizes = new Map(file.hashes.map((hash, place) => [hash, file.sizes[place]!]));
    const fresh = [...sizes].filter(([hash]) => !known.has(hash));
    const need: Room = {
      quota: Math.max(0, file.size - (target.size_bytes ?? 0)),
      kept: fresh.reduce((sum, [, size]) => sum + keptBytes(size), keptBytes(0)),
      entries: target.file_id === null ? 1 : 0,
    };
    const error =
      tooManyBlocks(file) ?? refusal(file, target, seen.conflicts) ?? tooMany.get(index) ?? take(room, need);
    if (error) {
      checked.refused.push({ path: file.path, error });
      continue;
    }
    checked.files.push({ ...file, position: checked.files.length, reservedBytes: need.quota });
    checked.keptBytes += need.kept;
    for (const [hash] of fresh) known.add(hash);
  }
  return checked;
}

function toUploadFile(file: Offered, position: number): UploadFile {
  return {
    position,
    path: file.path,
    kind: file.kind,
    baseVersion: file.base_version,
    hashes: file.blocks.map(({ hash }) => hash),
    sizes: file.blocks.map(({ size }) => size),
    size: file.size,
    mtimeMs: file.mtime_ms,
    mode: file.mode,
    reservedBytes: 0,
    result: null,
  };
}

/** Each block costs rows, a pin and an object, however small it is. */
function tooManyBlocks({ size, hashes }: UploadFile): ItemError | undefined {
  const most = limits.blocksPerFullBlock * Math.ceil(size / limits.blockBytes) + limits.moreBlocksPerFile;
  if (hashes.length <= most) return undefined;
  return itemError(
    'limit_exceeded',
    `${hashes.length} blocks in a file of ${size} bytes, at most ${most} are taken: cut it into larger ones`,
  );
}

/** What makes a repeated call the same call; the deltas on offer may differ. */
function offerDigest(files: readonly Offered[]): Buffer {
  const offers = files.map((file) => [
    file.path,
    file.kind,
    file.base_version,
    file.size,
    file.mtime_ms,
    file.mode,
    file.blocks.map(({ hash, size }) => [hash, size]),
  ]);
  return createHash('sha256').update(JSON.stringify(offers)).digest();
}
