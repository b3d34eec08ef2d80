import { deflateRawSync } from 'node:zlib';
import { encodeDelta } from '../../codec/index.ts';
import { limits } from '../../protocol/limits.ts';
import { ancestors } from '../../protocol/path.ts';
import { encodeSaveBody } from '../../protocol/save.ts';
import { batched } from '../common/batched.ts';
import { Turns } from '../common/turns.ts';
import type { OfferedItem } from '../state/intent.ts';
import { type CommitContext, commit } from './commit.ts';
import type { Sync } from './context.ts';
import { blockPlaces, readBlock } from './folder-blocks.ts';
import type { Sending } from './send-blocks.ts';
import { commitUpload, digestOf, failUpload, noteRefused, offer, sendContent, type UploadStep } from './upload.ts';

/** Files of 64 KiB in memory while their calls are made up. */
const AT_HAND = limits.filesPerCall;
/** Bytes of a large content that are tried before all of it is. */
const PROBE_BYTES = 4096;

const NOTHING = new Uint8Array(0);

/** A small entry with what the service lacks of its content. */
interface SmallItem extends OfferedItem {
  readonly contents: readonly { readonly hash: string; readonly size: number; readonly encoded: Uint8Array }[];
}

type SaveParts = CommitContext & Pick<Sync, 'root' | 'snapshots' | 'cache' | 'pool' | 'saves'>;

interface Saving {
  /** For what the service does not take this way. */
  readonly sending: Sending;
  /** Whether something at this path is on its way already. */
  readonly isOnItsWay: (path: string) => boolean;
  readonly interrupted: () => boolean;
}

/**
 * Commits directories and small files, each call with the content of as many as it may carry. Answers the steps that
 * are to go another way; what it did not come to is planned again.
 */
export async function saveSmall<Step extends UploadStep>(
  sync: SaveParts,
  steps: readonly Step[],
  { sending, isOnItsWay, interrupted }: Saving,
): Promise<Step[]> {
  const others = new Map<string, Step>();
  const small: Step[] = [];
  for (const step of steps) {
    const waits = ancestors(step.path).some((above) => others.has(above) || isOnItsWay(above));
    if (!waits && mayBeSmall(sync, step.path)) small.push(step);
    else others.set(step.path, step);
  }
  // Names that were swapped, too, send nothing.
  const { remote } = sync.state.trees;
  const held = new Set(small.flatMap(({ path }) => remote.get(path)?.blocks.map(({ hash }) => hash) ?? []));
  const turns = new Turns();
  for (const group of batched(small, { most: AT_HAND })) {
    if (interrupted()) break;
    const items: SmallItem[] = [];
    for (const step of group) {
      const item = await read(sync, step, held);
      await turns.next();
      if (item === 'large') others.set(step.path, step);
      else if (item) items.push(item);
    }
    for (const call of batched(items, { most: limits.filesPerCall }, { most: sync.saves.most, of: bytesOf })) {
      if (interrupted()) break;
      await save(sync, call, sending);
    }
  }
  return [...others.values()];
}

const bytesOf = ({ contents }: SmallItem): number => contents.reduce((sum, { encoded }) => sum + encoded.length, 0);

function mayBeSmall({ state, saves }: Pick<Sync, 'state' | 'saves'>, path: string): boolean {
  const local = state.trees.local.get(path);
  return local !== undefined && saves.isOpen && local.size <= limits.smallBytes;
}

/** The entry with its content; `large` where that is too large when it is encoded, nothing where it cannot be read. */
async function read(
  sync: SaveParts,
  { path, base_version }: UploadStep,
  held: ReadonlySet<string>,
): Promise<SmallItem | 'large' | undefined> {
  const local = sync.state.trees.local.get(path);
  if (!local) return undefined;
  const contents = [];
  try {
    for (const [hash, place] of blockPlaces(path, local.blocks)) {
      if (held.has(hash)) continue;
      const encoded = encodeSmall(await readBlock(sync, place, hash));
      if (!encoded) return 'large';
      contents.push({ hash, size: place.size, encoded });
    }
  } catch (error) {
    sync.failures.failEach([path], error);
    return undefined;
  }
  return { path, base_version, local, contents };
}

/** The content as it travels, unless that is too large; most of what is too large is not encoded to find out. */
function encodeSmall(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length > limits.smallEncodedBytes + PROBE_BYTES) {
    const probe = deflateRawSync(bytes.subarray(0, PROBE_BYTES), { level: 1 }).length;
    if ((probe * bytes.length) / PROBE_BYTES > 2 * limits.smallEncodedBytes) return undefined;
  }
  const encoded = encodeDelta(NOTHING, bytes);
  return encoded.length <= limits.smallEncodedBytes ? encoded : undefined;
}

async function save(sync: SaveParts, call: readonly SmallItem[], sending: Sending): Promise<void> {
  const items = call.map(({ contents, ...item }) => item);
  const contents = [...new Map(call.flatMap(({ contents }) => contents).map((each) => [each.hash, each])).values()];
  const id = sync.state.uploadId(digestOf(items));
  const send = ({ timeline }: { readonly timeline?: string | undefined }) => {
    const header = {
      upload_id: id,
      device_id: sync.device.id,
      timeline,
      files: items.map((item) => offer(item)),
      contents: contents.map(({ encoded, ...block }) => ({ ...block, bytes: encoded.length })),
    };
    const body = encodeSaveBody(
      header,
      contents.map(({ encoded }) => encoded),
    );
    return sync.saves.measured(body.length, () => sync.api.save(body));
  };
  const content = new Map(contents.map(({ hash, encoded }) => [hash, encoded.length]));
  try {
    const intent = { call: 'finalize', id, device_id: sync.device.id, items } as const;
    const refused = await commit(sync, intent, { content, send });
    const lacking = new Set(refused.flatMap(({ path, error }) => (error.code === 'blocks_missing' ? [path] : [])));
    await noteRefused(
      sync,
      items,
      refused.filter(({ path }) => !lacking.has(path)),
    );
    // What came was not kept: there is no room in rows for more of this user's.
    if (call.some(({ path, contents }) => lacking.has(path) && contents.length > 0)) sync.saves.close();
    if (lacking.size > 0) await sendLacking(sync, items, lacking, sending);
  } catch (error) {
    failUpload(sync, { id, items }, error);
  }
}

/** What the service lacks goes to the store, in the same upload. */
async function sendLacking(
  sync: SaveParts,
  items: readonly OfferedItem[],
  lacking: ReadonlySet<string>,
  sending: Sending,
): Promise<void> {
  const sent = await sendContent(sync, items, sending);
  if (!sent) return;
  const accepted = sent.accepted.filter(({ path }) => lacking.has(path));
  const refused = sent.refused.filter(({ path }) => lacking.has(path));
  await commitUpload(sync, { ...sent, accepted, refused });
}
