import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { UploadInitRequest, UploadInitResponse } from '../../protocol/upload-init.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { directoryRefusals, pathConflicts, refusal } from '../shared/commit/path-rules.ts';
import { keptBytes, type Room, roomOf, take } from '../shared/commit/room.ts';
import { within } from '../shared/database/database.ts';
import { type Database, type Namespace, ownNamespace, type Person } from '../shared/database/rows.ts';
import { lockAccount, reserveBytes } from '../shared/tables/accounts.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findTargets } from '../shared/tables/files.ts';
import { filterHeld } from '../shared/tables/held-blocks.ts';
import {
  checkUpload,
  closeOldUploads,
  findUpload,
  insertUpload,
  listUploadFiles,
  renewUpload,
} from '../shared/tables/uploads.ts';

type Offered = UploadInitRequest['files'][number];

interface OpenUpload {
  expiresAt: number;
  refused: UploadInitResponse['refused'];
  /** Paths of the files that still wait for finalize. */
  openPaths: string[];
  /** Of their blocks, those that some version of this user holds. */
  held: Set<string>;
  /** Ids of older uploads that gave way to this one: their pins can go. */
  closed: string[];
}

/** Registers the upload, or finds it again, in one transaction under the account's lock. */
export async function openUpload(
  person: Person<Database>,
  request: UploadInitRequest,
  defaultQuota: number,
): Promise<OpenUpload> {
  const digest = offerDigest(request.files);
  return await within(person, async (person) => {
    const namespace = ownNamespace(person);
    const account = await lockAccount(namespace);
    await requireDevice(person, request.device_id);
    const upload = await findUpload(namespace, request.upload_id);
    if (upload) checkUpload(upload);
    if (upload && !upload.offer_digest.equals(digest)) {
      throw new Refusal('upload_gone', 'this upload_id stands for other files: take a new upload_id');
    }
    let refused = upload?.refused;
    if (!refused) {
      const room = roomOf(account, account.quota_bytes ?? defaultQuota);
      const checked = await checkFiles(namespace, request.files, room);
      refused = checked.refused;
      const reserved = checked.files.reduce((sum, { reservedBytes }) => sum + reservedBytes, 0);
      await reserveBytes(namespace, { reserved, kept: checked.keptBytes }, defaultQuota);
      const { upload_id: uploadId, device_id: deviceId } = request;
      await insertUpload(namespace, { uploadId, deviceId, digest, ...checked });
    }
    const closed = upload ? [] : await closeOldUploads(namespace);
    const expiresAt = await renewUpload(namespace, request.upload_id);
    const files = await listUploadFiles(namespace, request.upload_id);
    const open = files.filter(({ result }) => result === null);
    const held = await filterHeld(namespace, [...new Set(open.flatMap(({ hashes }) => hashes))]);
    return { expiresAt, refused, openPaths: open.map(({ path }) => path), held, closed };
  });
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
  const appearing = files.filter(({ path }) => targets.get(path)!.file_id === null);
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
