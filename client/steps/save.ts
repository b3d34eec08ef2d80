import { encodeDelta } from '../../codec/index.ts';
import { limits } from '../../protocol/limits.ts';
import { ancestors } from '../../protocol/path.ts';
import type { SaveHeader } from '../../protocol/save.ts';
import { MOST } from '../common/call-bytes.ts';
import { each } from '../common/each.ts';
import { Turns } from '../common/turns.ts';
import type { OfferedItem } from '../state/intent.ts';
import { type CommitContext, commit } from './commit.ts';
import type { Sync } from './context.ts';
import { blockPlaces, readBlock, readIfThere } from './folder-blocks.ts';
import { saveBody } from './save-body.ts';
import type { Sending } from './send-blocks.ts';
import { isPackable, type Pack, sendPacks } from './send-packs.ts';
import { EDITED_WHOLE, type SmallCalls } from './small-calls.ts';
import { commitUpload, digestOf, failUpload, noteRefused, offer, sendContent, type UploadStep } from './upload.ts';

/** Calls under way at the same time: while the service works on one, the link carries the next. */
const AT_ONCE = 2;

const NOTHING = new Uint8Array(0);

/** A block with its content, encoded. */
interface Content {
  readonly hash: string;
  /** Bytes of the block. */
  readonly size: number;
  readonly encoded: Uint8Array;
}

/** A small entry with what the service lacks of its content. */
interface SmallItem extends OfferedItem {
  readonly contents: readonly Content[];
}

type SaveParts = CommitContext & Pick<Sync, 'root' | 'snapshots' | 'cache' | 'pool' | 'saves' | 'tell'>;

interface Saving<Step> {
  /**
   * Takes the steps that are to go another way: before the calls are made that they could wait for, and after them those
   * that are too large for a call on this line.
   */
  readonly begin: (steps: readonly Step[]) => void;
  /** For what the service does not take this way. */
  readonly sending: Sending;
  /** Whether something at this path is on its way already. */
  readonly isOnItsWay: (path: string) => boolean;
  /** Called after every call, for what has become due meanwhile. */
  readonly between: () => Promise<void>;
  readonly interrupted: () => boolean;
}

/**
 * Commits directories and small files, each call with the content of as many as it may carry. What it did not come to is
 * planned again.
 */
export async function saveSmall<Step extends UploadStep>(
  sync: SaveParts,
  steps: readonly Step[],
  { begin, sending, isOnItsWay, between, interrupted }: Saving<Step>,
): Promise<void> {
  const { local, remote } = sync.state.trees;
  const sizeOf = ({ path }: Step): number => local.get(path)?.size ?? 0;
  const others = new Map<string, Step>();
  const [small, middling]: [Step[], Step[]] = [[], []];
  for (const step of steps) {
    const waits = ancestors(step.path).some((above) => others.has(above) || isOnItsWay(above));
    if (waits || !mayBeSmall(sync, step.path)) others.set(step.path, step);
    else (sizeOf(step) > EDITED_WHOLE ? middling : small).push(step);
  }
  // Names that were swapped, too, send nothing.
  const all = [...small, ...middling];
  const held = new Set(all.flatMap(({ path }) => remote.get(path)?.blocks.map(({ hash }) => hash) ?? []));
  begin([...others.values()]);
  const tooLarge: Step[] = [];
  const fitting = function* (): Generator<Step> {
    yield* small;
    // By then it is known how much a call may carry on this line.
    for (const step of middling) {
      if (sizeOf(step) > sync.saves.most) tooLarge.push(step);
      else yield step;
    }
  };

  await each(calls(sync, fitting(), { held, interrupted }), { concurrency: AT_ONCE }, async (call) => {
    await save(sync, call, sending);
    await between();
  });
  begin(tooLarge);
}

/** Reads files as far as the next calls take them, and makes the calls up. */
async function* calls(
  sync: SaveParts,
  steps: Iterable<UploadStep>,
  { held, interrupted }: { readonly held: ReadonlySet<string>; readonly interrupted: () => boolean },
): AsyncGenerator<SmallItem[]> {
  const turns = new Turns();
  let call = new Call(sync.saves);
  for (const step of steps) {
    if (interrupted()) return;
    const item = await read(sync, step, held);
    await turns.next();
    if (!item) continue;
    if (call.take(item)) continue;
    yield call.items;
    call = new Call(sync.saves);
    call.take(item);
  }
  if (call.items.length > 0) yield call.items;
}

/** Files that are to go with one call, and the bytes of their contents: of all, and of those that packs may have. */
class Call {
  readonly #most: number;
  readonly #mostPacked: number;
  readonly items: SmallItem[] = [];
  #bytes = 0;
  #packable = 0;

  constructor({ most, mostPacked }: SmallCalls) {
    this.#most = most;
    this.#mostPacked = mostPacked;
  }

  /** Adds a file, the first one in any case; false where it has to go with the next call. */
  take(item: SmallItem): boolean {
    const bytes = this.#bytes + bytesOf(item.contents);
    const packable = this.#packable + bytesOf(item.contents.filter(isPackable));
    const fits = bytes <= this.#most || (bytes - packable <= this.#most && packable <= this.#mostPacked);
    if (this.items.length > 0 && (this.items.length === limits.filesPerCall || !fits)) return false;
    this.items.push(item);
    [this.#bytes, this.#packable] = [bytes, packable];
    return true;
  }
}

function bytesOf(contents: readonly Content[]): number {
  return contents.reduce((sum, { encoded }) => sum + encoded.length, 0);
}

/** What is larger and was edited goes as a delta. */
function mayBeSmall({ state, saves }: Pick<Sync, 'state' | 'saves'>, path: string): boolean {
  const local = state.trees.local.get(path);
  const isEdit = state.trees.remote.get(path)?.kind === 'file';
  return local !== undefined && saves.isOpen && local.size <= (isEdit ? EDITED_WHOLE : limits.smallBytes);
}

/** The entry with its content, nothing where that cannot be read. */
async function read(
  sync: SaveParts,
  { path, base_version }: UploadStep,
  held: ReadonlySet<string>,
): Promise<SmallItem | undefined> {
  const local = sync.state.trees.local.get(path);
  if (!local) return undefined;
  const contents = [];
  try {
    for (const [hash, place] of blockPlaces(path, local.blocks)) {
      if (held.has(hash)) continue;
      const encoded = encodeDelta(NOTHING, await readBlock(sync, place, hash));
      contents.push({ hash, size: place.size, encoded });
    }
  } catch (error) {
    sync.failures.failEach([path], error);
    return undefined;
  }
  return { path, base_version, local, contents };
}

async function save(sync: SaveParts, call: readonly SmallItem[], sending: Sending): Promise<void> {
  const items = call.map(({ contents, ...item }) => item);
  const all = [...new Map(call.flatMap(({ contents }) => contents).map((each) => [each.hash, each])).values()];
  const id = sync.state.uploadId(digestOf(items));
  let open: readonly OfferedItem[] = items;
  const content = new Map(all.map(({ hash, encoded }) => [hash, encoded.length]));
  try {
    const isTooMuch = bytesOf(all) > MOST;
    const { packed = [], following = [] } = Object.groupBy(all, (content) =>
      isTooMuch && isPackable(content) ? 'packed' : 'following',
    );
    const packs = await sync.saves.measured(bytesOf(packed), () => sendPacks(sync, packed, sending));
    const send = async ({ timeline }: Pick<SaveHeader, 'timeline'>) => {
      const body = await bodyOf({ upload_id: id, device_id: sync.device.id, timeline }, { items, packs, following });
      // Beside packs, which were measured, the body is what takes no time.
      const answer = await sync.saves.measured(packs.length > 0 ? 0 : body.length, () => sync.api.save(body));
      return { ...answer, sent: answer.sent + packs.reduce((sum, { block }) => sum + block.size, 0) };
    };
    const intent = { call: 'finalize', id, device_id: sync.device.id, items } as const;
    const refused = await commit(sync, intent, { content, send });
    const lacking = new Set(refused.flatMap(({ path, error }) => (error.code === 'blocks_missing' ? [path] : [])));
    noteRefused(
      sync,
      items,
      refused.filter(({ path }) => !lacking.has(path)),
    );
    // What fits a row was not kept: there is no room in rows for more of this user's.
    const fitsRow = ({ contents }: SmallItem): boolean => contents.length > 0 && !contents.some(isPackable);
    if (call.some((item) => lacking.has(item.path) && fitsRow(item))) sync.saves.close();
    open = items.filter(({ path }) => lacking.has(path));
    await keepLarger(sync, items, content);
    if (lacking.size > 0) await sendLacking(sync, items, lacking, sending);
  } catch (error) {
    failUpload(sync, { id, items: open }, error);
  }
}

/** The body that brings these items, with the contents that lie in packs and those that follow. */
async function bodyOf(
  upload: Pick<SaveHeader, 'upload_id' | 'device_id' | 'timeline'>,
  {
    items,
    packs,
    following,
  }: {
    readonly items: readonly OfferedItem[];
    readonly packs: readonly Pack<Content>[];
    readonly following: readonly Content[];
  },
): Promise<Uint8Array> {
  const packed = packs.flatMap(({ contents }, pack) => contents.map((content) => ({ ...content, pack })));
  const header = {
    ...upload,
    files: items.map((item) => offer(item)),
    packs: packs.map(({ block }) => block),
    contents: [...packed, ...following].map(({ encoded, ...block }) => ({ ...block, bytes: encoded.length })),
  };
  return await saveBody(
    header,
    following.map(({ encoded }) => encoded),
  );
}

/** Keeps the sent content of which an edit will be a delta. */
async function keepLarger(
  sync: SaveParts,
  items: readonly OfferedItem[],
  sent: ReadonlyMap<string, number>,
): Promise<void> {
  for (const { path, local } of items) {
    for (const [hash, place] of blockPlaces(path, local.blocks)) {
      if (place.size <= EDITED_WHOLE || !sent.has(hash)) continue;
      const bytes = await readIfThere(sync, place, hash);
      if (bytes) await sync.cache.put(hash, bytes);
    }
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
