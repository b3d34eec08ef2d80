import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { applyDelta, fromHex, sha256, toHex } from '../../../codec/index.ts';
import { type Change, ChangesResponse } from '../../../protocol/changes.ts';
import { CommitResponse, type CommitResult } from '../../../protocol/commit.ts';
import { DeltaApplyResponse, deltaContentType, encodeDeltaBody } from '../../../protocol/delta-apply.ts';
import { DownloadResponse } from '../../../protocol/download.ts';
import { ErrorBody, type ErrorCode } from '../../../protocol/errors.ts';
import { HealResponse } from '../../../protocol/heal.ts';
import { HistoryResponse } from '../../../protocol/history.ts';
import { ProveResponse } from '../../../protocol/prove.ts';
import { TreeResponse } from '../../../protocol/tree.ts';
import {
  type BlockToSend,
  type DeltaBase,
  type OfferedFile,
  type UploadInitRequest,
  UploadInitResponse,
} from '../../../protocol/upload-init.ts';
import { callSave, type SavedFile } from '../../support/call-save.ts';
import { type Answer, blocksOf, type User } from '../../support/user.ts';

type Contract<Body> = { parse(value: unknown): Body };

function checked<Body>(contract: Contract<Body>, { status, body }: Answer<unknown>): Body {
  expect({ status, body }).toMatchObject({ status: 200 });
  return contract.parse(body);
}

/** The answer's error, which has to have this code and the code's status. */
export function errorOf({ status, body }: Answer<unknown>, code: ErrorCode): ErrorBody {
  expect({ status, body }).toMatchObject({ status: expect.any(Number), body: { code } });
  return ErrorBody.parse(body);
}

function queryOf(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

/** POST /upload-init under a new upload id unless one is given. */
export async function init(
  user: User,
  files: readonly OfferedFile[],
  uploadId: string = randomUUID(),
): Promise<UploadInitResponse> {
  const request: UploadInitRequest = { upload_id: uploadId, device_id: user.device, files: [...files] };
  return checked(UploadInitResponse, await user.call('POST', '/upload-init', request));
}

/** Sends the blocks that the service wants whole. */
export async function put(wanted: readonly BlockToSend[], ...contents: Uint8Array[]): Promise<void> {
  const blocks = (await Promise.all(contents.map(blocksOf))).flat();
  for (const block of wanted) {
    if (block.how !== 'put') throw new Error(`the service asks for '${block.how}', not 'put'`);
    const { bytes } = blocks.find(({ hash }) => hash === block.hash)!;
    const { status } = await fetch(block.url, { method: 'PUT', headers: block.headers, body: bytes as BodyInit });
    expect(status).toBe(200);
  }
}

/** POST /prove with the right proofs for the challenges, from the contents that hold the blocks. */
export async function prove(
  user: User,
  uploadId: string,
  wanted: readonly BlockToSend[],
  content: Uint8Array,
): Promise<ProveResponse> {
  const blocks = await blocksOf(content);
  const proofs = wanted.map(async (block) => {
    if (block.how !== 'prove') throw new Error(`the service asks for '${block.how}', not 'prove'`);
    const { hash, bytes } = blocks.find(({ hash }) => hash === block.hash)!;
    return { hash, proof: toHex(await sha256(Buffer.concat([fromHex(block.nonce), bytes]))) };
  });
  return await sendProofs(user, uploadId, await Promise.all(proofs));
}

export async function sendProofs(
  user: User,
  uploadId: string,
  proofs: readonly { hash: string; proof: string }[],
): Promise<ProveResponse> {
  const body = { upload_id: uploadId, device_id: user.device, proofs };
  return checked(ProveResponse, await user.call('POST', '/prove', body));
}

export interface TestDelta {
  readonly hash: string;
  readonly size: number;
  readonly base: DeltaBase;
  readonly delta: Uint8Array;
}

/** POST /delta-apply of deltas that are applied or fail each alone. */
export async function applyDeltas(
  user: User,
  uploadId: string,
  items: readonly TestDelta[],
): Promise<DeltaApplyResponse> {
  return checked(DeltaApplyResponse, await callDeltas(user, uploadId, items));
}

/** POST /delta-apply. */
export function callDeltas(user: User, uploadId: string, items: readonly TestDelta[]): Promise<Answer> {
  const deltas = items.map(({ delta, ...item }) => ({ ...item, bytes: delta.length }));
  const body = encodeDeltaBody(
    { upload_id: uploadId, device_id: user.device, deltas },
    items.map(({ delta }) => delta),
  );
  return user.call('POST', '/delta-apply', body, { 'content-type': deltaContentType });
}

/** POST /save of a call in which at least one file commits. */
export async function save(user: User, files: readonly SavedFile[], uploadId?: string): Promise<CommitResult[]> {
  return checked(CommitResponse, await callSave(user, files, uploadId)).results;
}

/** POST /finalize of a session in which at least one file commits. */
export async function finalize(user: User, uploadId: string): Promise<CommitResult[]> {
  return checked(CommitResponse, await user.finalize(uploadId)).results;
}

export function deleteFiles(
  user: User,
  files: readonly { path: string; base_version: number }[],
  requestId: string = randomUUID(),
): Promise<Answer> {
  return user.call('POST', '/delete', { request_id: requestId, device_id: user.device, files });
}

export function moveFiles(
  user: User,
  moves: readonly { from: string; to: string; base_version: number; tree_hash?: string }[],
  requestId: string = randomUUID(),
): Promise<Answer> {
  return user.call('POST', '/move', { request_id: requestId, device_id: user.device, moves });
}

export function restoreFile(
  user: User,
  file: { path: string; from?: string; version: number; base_version: number },
  requestId: string = randomUUID(),
): Promise<Answer> {
  return user.call('POST', '/restore', { request_id: requestId, device_id: user.device, files: [file] });
}

/** The results of a call that commits. */
export function resultsOf(answer: Answer): CommitResult[] {
  return checked(CommitResponse, answer).results;
}

export async function tree(
  user: User,
  path?: string,
  page: { after?: string; limit?: number } = {},
): Promise<TreeResponse> {
  const query = queryOf({ device_id: user.device, path, ...page });
  return checked(TreeResponse, await user.call('GET', `/tree?${query}`));
}

export async function changes(user: User, cursor: number, limit?: number, contents?: number): Promise<ChangesResponse> {
  const query = queryOf({ device_id: user.device, cursor, limit, contents });
  return checked(ChangesResponse, await user.call('GET', `/changes?${query}`));
}

/** All changes of the user. */
export async function allChanges(user: User): Promise<Change[]> {
  const page = await changes(user, 0);
  expect(page.more).toBe(false);
  return page.changes;
}

export async function history(user: User, path: string): Promise<HistoryResponse['versions']> {
  const query = queryOf({ device_id: user.device, path });
  return checked(HistoryResponse, await user.call('GET', `/history?${query}`)).versions;
}

/** POST /download of one file; the current version unless one is given. */
export async function locate(user: User, path: string, version?: number): Promise<DownloadResponse> {
  const body = { device_id: user.device, files: [{ path, ...(version !== undefined && { version }) }] };
  return checked(DownloadResponse, await user.call('POST', '/download', body));
}

/** The content of a version, block by block, out of the answer or through the CDN; the current one unless one is given. */
export async function download(user: User, path: string, version?: number): Promise<Buffer> {
  const { files, urls, contents, packed } = await locate(user, path, version);
  const [file] = files;
  if (!file || 'error' in file) throw new Error(`download: ${JSON.stringify(file)}`);
  const blocks = file.entry.blocks.map(async ({ hash, size }) => {
    const part = packed[hash];
    const encoded = part ? await fetchPart(urls[part.pack]!, part) : Buffer.from(contents[hash] ?? '', 'base64');
    if (encoded.length > 0) {
      const expected = { expectedSize: size, expectedHash: hash };
      return Buffer.from(await applyDelta(new Uint8Array(0), encoded, expected));
    }
    const response = await fetch(urls[hash]!);
    expect(response.status).toBe(200);
    return Buffer.from(await response.arrayBuffer());
  });
  return Buffer.concat(await Promise.all(blocks));
}

async function fetchPart(url: string, { at, bytes }: { at: number; bytes: number }): Promise<Buffer> {
  const response = await fetch(url, { headers: { range: `bytes=${at}-${at + bytes - 1}` } });
  expect(response.status).toBe(206);
  return Buffer.from(await response.arrayBuffer());
}

/** An entry of kind directory, as upload-init takes it. */
export function directory(path: string): OfferedFile {
  return { path, kind: 'directory', size: 0, mtime_ms: 1, mode: 0o755, base_version: 0, blocks: [] };
}

/** POST /heal for one block: how to send it, if it is damaged and the user's. */
export async function offerHealing(user: User, hash: string): Promise<HealResponse['send']> {
  return checked(HealResponse, await user.call('POST', '/heal', { device_id: user.device, hashes: [hash] })).send;
}
