import { createHash } from 'node:crypto';
import type { OfferedFile, UploadInitResponse } from '../../protocol/upload-init.ts';
import { diskPath } from '../disk/paths.ts';
import { DiskChanged, isUnchanged } from '../disk/stamps.ts';
import { trackProgress } from '../output/progress.ts';
import type { LocalEntry } from '../plan/tree.ts';
import { ServiceError } from '../service/errors.ts';
import type { OfferedItem } from '../state/intent.ts';
import type { UpChannel } from './channels.ts';
import { type CommitContext, commit, type RefusedItem } from './commit.ts';
import type { Sync } from './context.ts';
import { type Delta, deltasFor } from './deltas.ts';
import { type BlockPlace, blockPlaces } from './folder-blocks.ts';
import { type Sending, type SendResult, sendBlocks } from './send-blocks.ts';
import { tellWhatIsSent } from './tell-sent.ts';

export interface UploadStep {
  readonly path: string;
  readonly base_version: number;
}

interface Item extends OfferedItem {
  readonly deltas: ReadonlyMap<string, Delta>;
}

/** Bytes of deltas that one call keeps in memory. */
const DELTA_BUDGET = 32 * 1024 * 1024;

/**
 * Times in a row that the service is asked what to send and nothing of it gets there; a block whose delta, proof or URL
 * failed is sent another way the next time.
 */
const FRUITLESS_ROUNDS = 3;

type SendParts = Pick<
  Sync,
  'root' | 'snapshots' | 'state' | 'api' | 'cache' | 'pool' | 'device' | 'notices' | 'failures' | 'report' | 'tell'
>;

/** What an upload has sent, to be committed. */
export interface SentUpload {
  readonly id: string;
  readonly accepted: readonly OfferedItem[];
  readonly refused: UploadInitResponse['refused'];
  /** Bytes of request bodies around the content. */
  readonly bytes: number;
}

/**
 * Sends the content of new and changed entries in one upload: offers their blocks, and sends what the service lacks as
 * deltas, proofs or whole blocks. Nothing is committed, and the trees stay as they are. A file that changes meanwhile is
 * left for the next plan; the others go on. `undefined` when nothing is left to commit.
 */
export async function sendContent(
  sync: SendParts,
  steps: readonly UploadStep[],
  sending: Sending,
): Promise<SentUpload | undefined> {
  const items = await prepare(sync, steps, sending.channel);
  if (items.length === 0) return undefined;
  // Until all of it is settled, the same upload again: each one reserves quota until it ends.
  const id = sync.state.uploadId(digestOf(items));
  try {
    const content = sync.state.sentBlocks(id);
    const { noted, stop } = tellWhatIsSent(sync.tell, id, items, content);
    const sent: SendResult = { content, envelope: 0, wholeNext: new Set(), noted };
    return { id, ...(await sendAll(sync, { id, sent }, items, sending).finally(stop)) };
  } catch (error) {
    forgetIfGone(sync.state, id, error);
    throw error;
  }
}

/** Commits what was sent. Of files that are not all there each fails alone. */
export async function commitUpload(
  sync: CommitContext & Pick<Sync, 'root' | 'snapshots'>,
  { id, accepted, refused, bytes }: SentUpload,
): Promise<void> {
  for (const { path, error } of refused) sync.failures.fail(path, error.code, error.message);
  if (accepted.length === 0) return sync.state.endUpload(id);
  try {
    const intent = { call: 'finalize', id, device_id: sync.device.id, items: accepted } as const;
    noteRefused(sync, accepted, await commit(sync, intent, { bytes }));
  } catch (error) {
    failUpload(sync, { id, items: accepted }, error);
  }
}

/** Notes of a commit that failed as a whole why each of its files is not there. */
export function failUpload(
  { state, failures }: Pick<Sync, 'state' | 'failures'>,
  { id, items }: { readonly id: string; readonly items: readonly OfferedItem[] },
  error: unknown,
): void {
  forgetIfGone(state, id, error);
  failures.failEach(
    items.map(({ path }) => path),
    error,
  );
}

/** An upload that the service does not know any more is begun anew under another id. */
function forgetIfGone(state: Pick<Sync['state'], 'endUpload'>, id: string, error: unknown): void {
  if (error instanceof ServiceError && error.code === 'upload_gone') state.endUpload(id);
}

async function prepare(
  sync: SendParts,
  steps: readonly UploadStep[],
  { rate }: Pick<UpChannel, 'rate'>,
): Promise<Item[]> {
  const items: Item[] = [];
  let budget = DELTA_BUDGET;
  const onTheLink = (bytes: number): number => rate.takes(bytes);
  for (const step of steps) {
    const { path } = step;
    const local = sync.state.trees.local.get(path);
    if (!local) continue;
    const remote = sync.state.trees.remote.get(path);
    try {
      const deltas: ReadonlyMap<string, Delta> = remote
        ? await deltasFor({ path, local, remote }, sync, { bytes: budget, onTheLink })
        : new Map();
      for (const delta of deltas.values()) budget -= delta.bytes.length;
      await sync.cache.edited(remote?.blocks ?? [], local.blocks);
      items.push({ ...step, local, deltas });
    } catch (error) {
      sync.failures.failEach([path], error);
    }
  }
  return items;
}

async function sendAll(
  sync: SendParts,
  { id, sent }: { readonly id: string; readonly sent: SendResult },
  items: readonly Item[],
  sending: Sending,
): Promise<Omit<SentUpload, 'id'>> {
  const upload = { upload_id: id, device_id: sync.device.id };
  const places = new Map<string, BlockPlace>();
  const deltas = new Map<string, Delta>();
  const progress = new Map<string, (bytes: number) => void>();
  for (const { path, local, deltas: own } of items) {
    progress.set(path, trackProgress(sync.report, path, local.size, { side: 'remote' }));
    for (const [hash, place] of blockPlaces(path, local.blocks)) if (!places.has(hash)) places.set(hash, place);
    for (const [hash, delta] of own) deltas.set(hash, delta);
  }

  let refused: UploadInitResponse['refused'] = [];
  for (let fruitless = 0; fruitless < FRUITLESS_ROUNDS; ) {
    const before = sent.content.size;
    let complete = true;
    let after: string | undefined;
    do {
      sending.signal.throwIfAborted();
      const asked = performance.now();
      const { body, sent: bytes } = await sync.api.uploadInit({
        ...upload,
        files: items.map((item) => offer(item, item.deltas, sent)),
        ...(after !== undefined && { after }),
      });
      sent.envelope += bytes;
      refused = body.refused;
      const source = { places, deltas, sent, progress };
      const all = await sendBlocks(sync, upload, { send: body.send, asked }, source, sending);
      complete &&= all;
      after = body.next;
    } while (after !== undefined);
    if (complete) break;
    // On a slow link URLs end before all blocks are sent, as often as that takes.
    fruitless = sent.content.size > before ? 0 : fruitless + 1;
  }
  const paths = new Set(refused.map(({ path }) => path));
  const accepted = items
    .filter(({ path }) => !paths.has(path))
    .map(({ path, base_version, local }) => ({ path, base_version, local }));
  return { accepted, refused, bytes: sent.envelope };
}

/** The same for the same files with the same content, also after a restart. */
export function digestOf(items: readonly OfferedItem[]): string {
  const offered = items.map((item) => offer(item));
  return createHash('sha256').update(JSON.stringify(offered)).digest('hex');
}

/** The entry as the service is told of it, with the deltas that could be sent, beside what was `sent` already. */
export function offer(
  { path, base_version, local }: OfferedItem,
  deltas: ReadonlyMap<string, Delta> = new Map(),
  sent?: SendResult,
): OfferedFile {
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

/** Notes what was refused. The refusal of what is not what was offered any more was for what is gone: that is no fault. */
export function noteRefused(
  sync: Pick<Sync, 'root' | 'snapshots' | 'notices' | 'failures'>,
  items: readonly OfferedItem[],
  refused: readonly RefusedItem[],
): void {
  const byPath = new Map(items.map((item) => [item.path, item.local]));
  for (const { path, error } of refused) {
    const local = byPath.get(path);
    if (!local) continue;
    if (isAsOffered(sync, path, local)) sync.failures.fail(path, error.code, error.message);
    else sync.failures.failEach([path], new DiskChanged(`${path} changed while it was sent`));
  }
}

function isAsOffered(
  { root, snapshots, notices }: Pick<Sync, 'root' | 'snapshots' | 'notices'>,
  path: string,
  local: LocalEntry,
): boolean {
  if (snapshots.placeOf(path) !== undefined) return true;
  if (notices.unseen.has(path)) return false;
  if (local.kind === 'directory') return true;
  try {
    return isUnchanged(diskPath(root, path), local.hint);
  } catch {
    return false;
  }
}
