import { createHash } from 'node:crypto';
import type { CommitResult } from '../../protocol/commit.ts';
import type { OfferedFile, UploadInitResponse } from '../../protocol/upload-init.ts';
import { diskPath } from '../disk/paths.ts';
import { DiskChanged, demandUnchanged } from '../disk/stamps.ts';
import { trackProgress } from '../output/progress.ts';
import type { LocalEntry } from '../plan/tree.ts';
import { ServiceError } from '../service/errors.ts';
import type { Sync } from './context.ts';
import { advanceCursor } from './cursor.ts';
import { type Delta, deltasFor } from './deltas.ts';
import { type BlockPlace, blockPlaces } from './folder-blocks.ts';
import { type SendResult, sendBlocks } from './send-blocks.ts';

export interface UploadStep {
  readonly path: string;
  readonly base_version: number;
}

interface Item extends UploadStep {
  readonly local: LocalEntry;
  readonly deltas: ReadonlyMap<string, Delta>;
}

/** Bytes of deltas that one call keeps in memory. */
const DELTA_BUDGET = 32 * 1024 * 1024;

/** Times that the service is asked what to send; a block whose delta, proof or URL failed is then sent another way. */
const ROUNDS = 4;

/**
 * Uploads new and changed entries in one session: offers their blocks, sends what the service lacks as deltas, proofs
 * or whole blocks, and commits. A file that changes meanwhile is left for the next plan; the others commit.
 */
export async function upload(sync: Sync, steps: readonly UploadStep[]): Promise<void> {
  const items = await prepare(sync, steps);
  if (items.length === 0) return;
  const digest = digestOf(items);
  // Until it has settled all, the same session again: each one reserves quota until it ends.
  const uploadId = sync.state.uploadId(digest);
  try {
    const results = await runSession(sync, uploadId, items);
    if (results.some((result) => 'error' in result && result.error.code === 'blocks_missing')) {
      return sync.state.forgetSent(uploadId);
    }
  } catch (error) {
    sync.failures.failEach(
      items.map(({ path }) => path),
      error,
    );
    if (!(error instanceof ServiceError && error.code === 'upload_gone')) return;
  }
  sync.state.endUpload(digest);
}

async function prepare(sync: Sync, steps: readonly UploadStep[]): Promise<Item[]> {
  const items: Item[] = [];
  let budget = DELTA_BUDGET;
  for (const step of steps) {
    const { path } = step;
    const local = sync.state.trees.local.get(path);
    if (!local) continue;
    const remote = sync.state.trees.remote.get(path);
    try {
      const deltas: ReadonlyMap<string, Delta> = remote
        ? await deltasFor({ path, local, remote }, sync, budget)
        : new Map();
      for (const delta of deltas.values()) budget -= delta.bytes.length;
      items.push({ ...step, local, deltas });
    } catch (error) {
      sync.failures.failEach([path], error);
    }
  }
  return items;
}

async function runSession(sync: Sync, uploadId: string, items: readonly Item[]): Promise<readonly CommitResult[]> {
  const session = { upload_id: uploadId, device_id: sync.device.id };
  const places = new Map<string, BlockPlace>();
  const deltas = new Map<string, Delta>();
  const progress = new Map<string, (bytes: number) => void>();
  for (const { path, local, deltas: own } of items) {
    progress.set(path, trackProgress(sync.report, path, local.size));
    for (const [hash, place] of blockPlaces(path, local.blocks)) if (!places.has(hash)) places.set(hash, place);
    for (const [hash, delta] of own) deltas.set(hash, delta);
  }

  const sent: SendResult = { content: sync.state.sentBlocks(uploadId), envelope: 0, wholeNext: new Set() };
  let refused: UploadInitResponse['refused'] = [];
  for (let round = 1; ; round++) {
    let complete = true;
    let after: string | undefined;
    do {
      const { body, sent: bytes } = await sync.api.uploadInit({
        ...session,
        files: items.map((item) => offer(item, sent)),
        ...(after !== undefined && { after }),
      });
      sent.envelope += bytes;
      refused = body.refused;
      const all = await sendBlocks(sync, session, body.send, { places, deltas, sent, progress });
      complete &&= all;
      after = body.next;
    } while (after !== undefined);
    // A file whose blocks are not all there fails alone.
    if (complete || round === ROUNDS) break;
  }
  for (const { path, error } of refused) sync.failures.fail(path, error.code, error.message);
  if (refused.length === items.length) return [];

  const { body, sent: bytes } = await sync.api.finalize(session);
  sent.envelope += bytes;
  commit(sync, items, body.results, { places, sent, changed: await changedHere(sync, items, body.results) });
  return body.results;
}

/** The same for the same files with the same content, also after a restart. */
function digestOf(items: readonly Item[]): string {
  const offered = items.map((item) => offer(item));
  return createHash('sha256').update(JSON.stringify(offered)).digest('hex');
}

/** The entry as the service is told of it; with `sent`, including the deltas that could be sent. */
function offer({ path, base_version, local, deltas }: Item, sent?: SendResult): OfferedFile {
  const { kind, size, mtime_ms, mode } = local;
  const offered = new Set<string>();
  const blocks = local.blocks.map((block) => {
    const delta = deltas.get(block.hash);
    if (!sent || !delta || sent.wholeNext.has(block.hash) || offered.has(block.hash)) return block;
    offered.add(block.hash);
    return { ...block, delta: { base: delta.base, bytes: delta.bytes.length } };
  });
  return { path, kind, size, mtime_ms, mode, base_version, blocks };
}

/** Refused files that are not what was offered any more: a block that is missing then is no fault. */
async function changedHere(
  { root, notices }: Sync,
  items: readonly Item[],
  results: readonly CommitResult[],
): Promise<Set<string>> {
  const refused = new Set(results.flatMap((result) => ('error' in result ? [result.path] : [])));
  const changed = new Set<string>();
  for (const { path, local } of items.filter(({ path }) => refused.has(path))) {
    const same =
      local.kind === 'directory' ||
      (await demandUnchanged(diskPath(root, path), local.hint).then(
        () => true,
        () => false,
      ));
    if (!same || notices.unseen.has(path)) changed.add(path);
  }
  return changed;
}

function commit(
  sync: Sync,
  items: readonly Item[],
  results: readonly CommitResult[],
  {
    places,
    sent,
    changed,
  }: { places: ReadonlyMap<string, BlockPlace>; sent: SendResult; changed: ReadonlySet<string> },
): void {
  const { state } = sync;
  const byPath = new Map(items.map((item) => [item.path, item]));
  const contentOf = new Map<string, number>();
  for (const [hash, bytes] of sent.content) {
    const path = places.get(hash)?.path ?? '';
    contentOf.set(path, (contentOf.get(path) ?? 0) + bytes);
  }
  const share = Math.floor(sent.envelope / results.length);
  let extra = sent.envelope - share * results.length;
  state.transaction(() => {
    for (const result of results) {
      const { path } = result;
      const local = byPath.get(path)?.local;
      if (!local) continue;
      if ('error' in result) {
        // The refusal was for what is gone.
        if (changed.has(path)) sync.failures.failEach([path], new DiskChanged(`${path} changed while it was sent`));
        else sync.failures.fail(path, result.error.code, result.error.message);
        continue;
      }
      const { kind, size, mode, mtime_ms, blocks, identity } = local;
      const entry = { kind, size, mode, mtime_ms, blocks, version: result.version };
      state.set('remote', path, entry);
      state.set('synced', path, { ...entry, identity });
      const done = { path, version: result.version, at: Date.now(), ...sync.notices.noticedAt(path) };
      if (kind === 'directory') sync.report({ event: 'directory', side: 'remote', ...done });
      else {
        const content = contentOf.get(path) ?? 0;
        const body = { content_bytes: content, body_bytes: content + share + extra };
        extra = 0;
        sync.report({ event: 'uploaded', ...done, file_bytes: size, ...body });
      }
      sync.failures.succeed(path);
    }
    advanceCursor(sync, results);
  });
}
