import { createHash, randomUUID } from 'node:crypto';
import { encodeDelta } from '../../codec/index.ts';
import { readChanges } from '../../lambdas/changes/changes.ts';
import { deleteFiles } from '../../lambdas/delete/delete.ts';
import { applyDeltas } from '../../lambdas/delta-apply/apply.ts';
import { finalizeUpload } from '../../lambdas/finalize/finalize.ts';
import { moveFiles } from '../../lambdas/move/move.ts';
import { checkProofs } from '../../lambdas/prove/proofs.ts';
import { restoreVersions } from '../../lambdas/restore/restore.ts';
import { saveFiles } from '../../lambdas/save/save.ts';
import { Refusal } from '../../lambdas/shared/answers/errors.ts';
import { personOf } from '../../lambdas/shared/database/rows.ts';
import { signUpload } from '../../lambdas/shared/store/block-store.ts';
import { initUpload } from '../../lambdas/upload-init/upload.ts';
import { lastCursor } from '../../protocol/changes.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import type { DeleteRequest } from '../../protocol/delete.ts';
import type { MoveRequest } from '../../protocol/move.ts';
import type { RestoreRequest } from '../../protocol/restore.ts';
import type { OfferedFile, UploadInitRequest } from '../../protocol/upload-init.ts';
import { currentActor } from './scheduler.ts';
import { contents, devices, hashes, users, type World } from './world.ts';

type BlockToSend = Awaited<ReturnType<typeof initUpload>>['send'][number];

/** An upload as a device remembers it. */
export interface Upload {
  readonly user: number;
  readonly request: UploadInitRequest;
  /** The block that the deltas on offer start from. */
  readonly base: Buffer | undefined;
  /** What upload-init asked for last. */
  asked: BlockToSend[] | undefined;
  readonly answers: Answers;
}

/** A call that a device may repeat because it did not see the answer, or because the network did it twice. */
export type Call = { readonly user: number; readonly answers: Answers } & (
  | { readonly kind: 'delete'; readonly request: DeleteRequest }
  | { readonly kind: 'move'; readonly request: MoveRequest }
  | { readonly kind: 'restore'; readonly request: RestoreRequest }
);

/** What a call answered for each path. A settled answer is the same on every retry within 72 hours (I4). */
export class Answers {
  readonly #madeAt: number;
  readonly #settled = new Map<string, string>();

  /** @param hours the time of the call, in hours since the run began */
  constructor(hours: number) {
    this.#madeAt = hours;
  }

  copy(): Answers {
    const copy = new Answers(this.#madeAt);
    for (const [path, text] of this.#settled) copy.#settled.set(path, text);
    return copy;
  }

  note(results: readonly CommitResult[], hours: number): void {
    if (hours - this.#madeAt >= RETRY_HOURS) return;
    for (const result of results) {
      if ('error' in result && ['blocks_missing', 'unavailable', 'content_mismatch'].includes(result.error.code))
        continue;
      // The members may come in another order, as the database keeps JSON.
      const text = JSON.stringify(result, Object.keys({ ...result, ...('error' in result && result.error) }).sort());
      const before = this.#settled.get(result.path) ?? text;
      if (text !== before) throw new Error(`I4: a repeated call answers ${text}, not ${before}`);
      this.#settled.set(result.path, text);
    }
  }
}

const RETRY_HOURS = 72;

const policy = { defaultQuota: 1e9 };

export function offer(path: string, blocks: readonly number[], baseVersion: number, delta: boolean): OfferedFile {
  return {
    path,
    kind: blocks.length === 0 ? 'directory' : 'file',
    size: blocks.reduce((sum, block) => sum + contents[block]!.length, 0),
    // A client's clock is anything.
    mtime_ms: baseVersion % 2 === 0 ? 1 : 8e15,
    mode: 0o644,
    base_version: baseVersion,
    blocks: blocks.map((block) => ({
      hash: hashes[block]!,
      size: contents[block]!.length,
      ...(delta &&
        baseVersion > 0 && { delta: { base: { path, version: baseVersion, first: 0, count: 1 }, bytes: 1 } }),
    })),
  };
}

/** An upload of one entry that nothing was asked of yet. */
export function uploadOf(
  { hours }: Pick<World, 'hours'>,
  path: string,
  blocks: readonly number[],
  { base = 0, by = 0 }: { readonly base?: number; readonly by?: number } = {},
): Upload {
  const files = [offer(path, blocks, base, false)];
  const request = { upload_id: randomUUID(), device_id: devices[0], files };
  return { user: by, base: undefined, asked: undefined, answers: new Answers(hours), request };
}

export async function init(world: World, upload: Upload, crossUser: boolean): Promise<void> {
  const answer = await initUpload(world.databases, users[upload.user]!, upload.request, { ...policy, crossUser });
  upload.asked = answer.send;
}

/** Sends all that was asked for. */
export async function send(world: World, { user, request, base, asked = [] }: Upload): Promise<void> {
  const userId = users[user]!;
  const { upload_id, device_id } = request;
  for (const block of asked) {
    const content = contents[hashes.indexOf(block.hash)]!;
    if (block.how === 'put') {
      await put(block.hash, content, block.token);
    } else if (block.how === 'prove') {
      const proof = createHash('sha256').update(Buffer.from(block.nonce, 'hex')).update(content).digest('hex');
      const proofs = [{ hash: block.hash, proof }];
      await checkProofs(world.databases, userId, { upload_id, device_id, proofs });
    } else {
      const offered = request.files
        .flatMap(({ blocks }) => blocks)
        .find(({ hash, delta }) => hash === block.hash && delta)!;
      const delta = encodeDelta(base!, content);
      const header = { hash: block.hash, size: content.length, base: offered.delta!.base, bytes: delta.length };
      const body = { header: { upload_id, device_id, deltas: [header] }, deltas: [delta] };
      await applyDeltas(world.databases, userId, body);
    }
  }
}

async function put(hash: string, content: Buffer, token: string): Promise<void> {
  const { url, headers } = await signUpload(hash, content.length, token);
  const upload = async () => {
    const { ok, status } = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(content) });
    if (!ok) throw new Error(`S3 answered ${status} to a signed upload`);
  };
  await currentActor.getStore()!.step(`put ${hash.slice(0, 6)}`, upload);
}

/** Opens the upload, brings all of its content along, and has it committed. */
export async function save(world: World, upload: Upload): Promise<void> {
  const { user, request } = upload;
  const wanted = [...new Set(request.files.flatMap(({ blocks }) => blocks.map(({ hash }) => hash)))];
  const encoded = wanted.map((hash) => encodeDelta(Buffer.alloc(0), contents[hashes.indexOf(hash)]!));
  const header = {
    ...request,
    contents: wanted.map((hash, index) => ({
      hash,
      size: contents[hashes.indexOf(hash)]!.length,
      bytes: encoded[index]!.length,
    })),
  };
  const body = { header, contents: encoded };
  const missing = judged(world, upload, await saveFiles(world.databases, users[user]!, body, policy.defaultQuota));
  if (missing.length > 0) throw new Error(`I63: ${missing} came with the call, and are missing`);
}

/** Returns the hashes of the blocks for lack of which a file was not committed. */
export async function finalize(world: World, upload: Upload): Promise<string[]> {
  const { upload_id, device_id } = upload.request;
  return judged(world, upload, await finalizeUpload(world.databases, users[upload.user]!, { upload_id, device_id }));
}

function judged(
  world: World,
  { request, answers }: Upload,
  { results, missing }: { results: readonly CommitResult[]; missing: string[] },
): string[] {
  answers.note(results, world.hours);
  for (const result of results) {
    const base = request.files.find(({ path }) => path === result.path)!.base_version;
    if ('version' in result && base > 0 && result.version !== base + 1) {
      throw new Error(`I5: version ${result.version} replaces ${base}, which was not the newest`);
    }
  }
  return results.some((result) => 'error' in result && result.error.code === 'blocks_missing') ? missing : [];
}

export async function commit(world: World, call: Call): Promise<void> {
  const userId = users[call.user]!;
  const { databases } = world;
  if (call.kind === 'delete') {
    call.answers.note(await deleteFiles(personOf(databases, userId), call.request), world.hours);
  } else if (call.kind === 'move') {
    call.answers.note(await moveFiles(databases, userId, call.request), world.hours);
  } else {
    call.answers.note(await restoreVersions(databases, userId, call.request), world.hours);
  }
}

/** Reads the changes after a cursor: either all of them that are there, or it is told that some are not kept. */
export async function readOn({ databases }: World, user: number, cursor: number): Promise<void> {
  const userId = users[user]!;
  const query = { device_id: deviceOf(0), cursor, limit: 500 };
  const { changes } = await readChanges(personOf(databases, userId), query);
  let last = cursor;
  for (const change of changes) {
    if (change.cursor !== last + 1) throw new Error(`I8: after change ${last} comes ${change.cursor}`);
    last = lastCursor(change);
  }
}

/** Errors that say no more than that the world has moved on. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Refusal && ['upload_gone', 'bad_request', 'cursor_gone'].includes(error.code);
}

export const deviceOf = (number: number): string => devices[number % devices.length]!;
