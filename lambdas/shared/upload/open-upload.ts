import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { ItemError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { UploadInitRequest, UploadInitResponse } from '../../../protocol/upload-init.ts';
import { excerpt, itemError, Refusal } from '../answers/errors.ts';
import { directoryRefusals, pathConflicts, refusal } from '../commit/path-rules.ts';
import { keptBytes, type Room, roomOf, take } from '../commit/room.ts';
import { within } from '../database/database.ts';
import { type Database, type Namespace, ownNamespace, type Person } from '../database/rows.ts';
import { findAccount, lockAccount, reserveBytes } from '../tables/accounts.ts';
import { requireDevice } from '../tables/devices.ts';
import { findTargets } from '../tables/files.ts';
import { filterHeld } from '../tables/held-blocks.ts';
import {
  checkUpload,
  closeOldUploads,
  closeOvertakenUploads,
  findUpload,
  insertUpload,
  listUploadFiles,
  renewUpload,
  type UploadFile,
} from '../tables/uploads.ts';

type Offered = UploadInitRequest['files'][number];

interface OpenUpload {
  expiresAt: number;
  refused: UploadInitResponse['refused'];
  /** The files that have no answer yet. */
  open: UploadFile[];
  /** Of their blocks, those that some version of this user holds. */
  held: Set<string>;
  /** Older uploads that gave way to this one. Their pins go once this one has its own: it signs with their tokens. */
  closed: string[];
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
): Promise<OpenUpload> {
  checkOffer(request.files);
  const digest = offerDigest(request.files);
  return await within(person, async (person) => {
    const namespace = ownNamespace(person);
    let account = await lockAccount(namespace);
    await requireDevice(person, request.device_id);
    const upload = await findUpload(namespace, request.upload_id);
    if (upload) checkUpload(upload);
    if (upload && !upload.offer_digest.equals(digest)) {
      throw new Refusal('upload_gone', 'this upload_id stands for other files: take a new upload_id');
    }
    let refused = upload?.refused;
    const closed: string[] = [];
    if (!refused) {
      const { upload_id: uploadId, device_id: deviceId, files } = request;
      const paths = files.map(({ path }) => path);
      closed.push(...(await closeOvertakenUploads(namespace, deviceId, paths)));
      if (closed.length > 0) account = await findAccount(namespace);
      const room = roomOf(account, account.quota_bytes ?? defaultQuota);
      const checked = await checkFiles(namespace, files, room);
      refused = checked.refused;
      const reserved = checked.files.reduce((sum, { reservedBytes }) => sum + reservedBytes, 0);
      await reserveBytes(namespace, { reserved, kept: checked.keptBytes }, defaultQuota);
      await insertUpload(namespace, { uploadId, deviceId, digest, ...checked });
      closed.push(...(await closeOldUploads(namespace)));
    }
    const expiresAt = await renewUpload(namespace, request.upload_id);
    const files = await listUploadFiles(namespace, request.upload_id);
    const open = files.filter(({ result }) => result === null);
    const held = await filterHeld(namespace, [...new Set(open.flatMap(({ hashes }) => hashes))]);
    return { expiresAt, refused, open, held, closed };
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
  refused: UploadInitResponse['refused'];
  files: { file: Offered; reservedBytes: number }[];
  /** What the upload adds to what is kept for the user. */
  keptBytes: number;
}

/** Says early what finalize would refuse, and how much each of the others may add to what the user has. */
async function checkFiles(namespace: Namespace<PoolClient>, files: readonly Offered[], room: Room): Promise<Checked> {
  const paths = files.map(({ path }) => path);
  const targets = await findTargets(namespace, paths);
  const appearing = files.filter(({ path, base_version }) => {
    const target = targets.get(path)!;
    return target.file_id === null && base_version === (target.version ?? 0);
  });
  const conflicts = await pathConflicts(namespace, appearing);
  const tooMany = directoryRefusals(files.map(({ path }) => [path]));
  const known = await filterHeld(namespace, [...new Set(files.flatMap(hashesOf))]);
  const checked: Checked = { refused: [], files: [], keptBytes: keptBytes(0) };
  for (const [position, file] of files.entries()) {
    const target = targets.get(file.path)!;
    const fresh = new Map(file.blocks.flatMap(({ hash, size }) => (known.has(hash) ? [] : [[hash, size] as const])));
    const need: Room = {
      quota: Math.max(0, file.size - (target.size_bytes ?? 0)),
      kept: [...fresh.values()].reduce((sum, size) => sum + keptBytes(size), keptBytes(0)),
      entries: target.file_id === null ? 1 : 0,
    };
    const error =
      tooManyBlocks(file) ??
      refusal({ ...file, baseVersion: file.base_version }, target, conflicts) ??
      tooMany.get(position) ??
      take(room, need);
    if (error) {
      checked.refused.push({ path: file.path, error });
      continue;
    }
    checked.files.push({ file, reservedBytes: need.quota });
    checked.keptBytes += need.kept;
    for (const hash of fresh.keys()) known.add(hash);
  }
  return checked;
}

/** Each block costs rows, a pin and an object, however small it is. */
function tooManyBlocks({ size, blocks }: Offered): ItemError | undefined {
  const most = limits.blocksPerFullBlock * Math.ceil(size / limits.blockBytes) + limits.moreBlocksPerFile;
  if (blocks.length <= most) return undefined;
  return itemError(
    'limit_exceeded',
    `${blocks.length} blocks in a file of ${size} bytes, at most ${most} are taken: cut it into larger ones`,
  );
}

function hashesOf({ blocks }: Offered): string[] {
  return blocks.map(({ hash }) => hash);
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
