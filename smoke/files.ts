import { createHash, randomUUID } from 'node:crypto';
import { encodeDelta } from '../codec/index.ts';
import type { CommitResult } from '../protocol/commit.ts';
import { encodeDeltaBody } from '../protocol/delta-apply.ts';
import type { BlockToSend, OfferedFile } from '../protocol/upload-init.ts';
import type { Device } from './service.ts';

/** A file of one block. */
interface SmallFile {
  readonly path: string;
  readonly content: Buffer;
  /** The version that it replaces; 0 for none. */
  readonly replaces: number;
}

type Committed = Extract<CommitResult, { version: number }>;
export type PutOrder = Extract<BlockToSend, { how: 'put' }>;

function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function offered({ path, content, replaces }: SmallFile, delta?: OfferedFile['blocks'][number]['delta']): OfferedFile {
  const block = { hash: hashOf(content), size: content.length, ...(delta && { delta }) };
  const attributes = { kind: 'file', size: content.length, mtime_ms: Date.now(), mode: 0o644 } as const;
  return { path, ...attributes, base_version: replaces, blocks: [block] };
}

async function finish({ id, api }: Device, uploadId: string): Promise<Committed> {
  return onlyResult((await api.finalize({ upload_id: uploadId, device_id: id })).body.results);
}

/** The result of a commit of one file. Throws with the service's reason when it failed. */
export function onlyResult(results: readonly CommitResult[]): Committed {
  const [result] = results;
  if (!result || 'error' in result) throw new Error(`the commit failed: ${JSON.stringify(result)}`);
  return result;
}

/** Begins an upload of content that nobody has and answers the signed order to send it. */
export async function order({ id, api }: Device, file: SmallFile): Promise<{ uploadId: string; put: PutOrder }> {
  const { body } = await api.uploadInit({ upload_id: randomUUID(), device_id: id, files: [offered(file)] });
  const [put] = body.send;
  if (put?.how !== 'put')
    throw new Error(`the service asks for ${JSON.stringify(put ?? body.refused)}, not for content`);
  return { uploadId: body.upload_id, put };
}

/** Sends content to the block store; answers the status. */
export async function send(put: PutOrder, content: Buffer): Promise<number> {
  const body = content as Buffer<ArrayBuffer>;
  return (await fetch(put.url, { method: 'PUT', headers: put.headers, body })).status;
}

/** Uploads a file whole. */
export async function upload(device: Device, file: SmallFile): Promise<Committed & { put: PutOrder }> {
  const { uploadId, put } = await order(device, file);
  const status = await send(put, file.content);
  if (status !== 200) throw new Error(`the block store answered ${status}`);
  return { ...(await finish(device, uploadId)), put };
}

/** Uploads a file as a delta against the version that it replaces; answers the delta's size too. */
export async function uploadDelta(
  device: Device,
  file: SmallFile,
  old: Buffer,
): Promise<Committed & { deltaBytes: number }> {
  const { id, api } = device;
  const bytes = encodeDelta(old, file.content);
  const base = { path: file.path, version: file.replaces, first: 0, count: 1 };
  const files = [offered(file, { base, bytes: bytes.length })];
  const { upload_id, send: wanted } = (await api.uploadInit({ upload_id: randomUUID(), device_id: id, files })).body;
  if (wanted[0]?.how !== 'delta') throw new Error(`the service asks for ${JSON.stringify(wanted)}, not for the delta`);
  const item = { hash: hashOf(file.content), size: file.content.length, base, bytes: bytes.length };
  const { results } = (await api.applyDeltas(encodeDeltaBody({ upload_id, device_id: id, deltas: [item] }, [bytes])))
    .body;
  if (results[0]?.error) throw new Error(`the delta was refused: ${results[0].error.message}`);
  return { ...(await finish(device, upload_id)), deltaBytes: bytes.length };
}

/** Fetches the current version of a file of one block through the CDN; answers the signed URL too. */
export async function download({ id, api }: Device, path: string): Promise<{ content: Buffer; url: string }> {
  const { files, urls } = (await api.download({ device_id: id, files: [{ path }] })).body;
  const [file] = files;
  if (!file || 'error' in file) throw new Error(`download: ${JSON.stringify(file)}`);
  const url = urls[file.entry.blocks[0]?.hash ?? ''] ?? '';
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the CDN answered ${response.status}`);
  return { content: Buffer.from(await response.arrayBuffer()), url };
}
