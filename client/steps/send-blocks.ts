import pMap from 'p-map';
import { fromHex, sha256, toHex } from '../../codec/index.ts';
import { encodeDeltaBody } from '../../protocol/delta-apply.ts';
import type { BlockToSend } from '../../protocol/upload-init.ts';
import { batched } from '../common/batched.ts';
import { each } from '../common/each.ts';
import { DiskChanged } from '../disk/stamps.ts';
import { BlockRooms } from './block-rooms.ts';
import type { UpChannel } from './channels.ts';
import type { Sync } from './context.ts';
import type { Delta } from './deltas.ts';
import { type BlockPlace, readIfThere, takeIfThere } from './folder-blocks.ts';
import { type PutTarget, putBlock, usableUntil } from './put-block.ts';

/** What an upload has sent so far. */
export interface SendResult {
  /** Blocks that the service took, and the bytes of content that crossed the wire for each: its delta, all, or none. */
  readonly content: Map<string, number>;
  /** Bytes of request bodies around the content. */
  envelope: number;
  /** Blocks to offer without a delta, since that failed. */
  readonly wholeNext: Set<string>;
  /** Told of each block. */
  readonly noted: () => void;
}

interface Source {
  readonly places: ReadonlyMap<string, BlockPlace>;
  readonly deltas: ReadonlyMap<string, Delta>;
  readonly sent: SendResult;
  /** Takes the size of every block that is done, by the path of its file. */
  readonly progress: ReadonlyMap<string, (bytes: number) => void>;
}

/** Blocks in memory: those that are sent, and those that wait for their turn on the channel. */
const BLOCKS_AT_HAND = 8;
const CONCURRENT_CALLS = 3;
/** Each delta costs the service up to 12 MiB of reading and each proof 4, in a call that has to end within 29 s. */
const DELTAS_PER_CALL = 16;
const DELTA_BYTES_PER_CALL = 2 * 1024 * 1024;
const PROOFS_PER_CALL = 16;

interface UploadKey {
  readonly upload_id: string;
  readonly device_id: string;
}

type Parts = Pick<Sync, 'root' | 'snapshots' | 'state' | 'api' | 'cache' | 'notices'>;

/** The way that blocks take, and what gives them up. */
export interface Sending {
  readonly channel: UpChannel;
  readonly signal: AbortSignal;
}

/**
 * Sends what the service asks for in a call that began at `asked`, by `performance.now()`. False when some of it failed in a way that asking again may help. A file that
 * changed meanwhile is left out, for another look; the others go on.
 */
export async function sendBlocks(
  sync: Parts,
  upload: UploadKey,
  { send, asked }: { readonly send: readonly BlockToSend[]; readonly asked: number },
  source: Source,
  { channel, signal }: Sending,
): Promise<boolean> {
  const { places, deltas, sent } = source;
  const wanted = new Map(send.map((block) => [block.hash, block]));
  // As they lie in the file: who reads it while it is sent gets it in one piece.
  const needed = [...places.keys()].flatMap((hash) => (sent.content.has(hash) ? [] : (wanted.get(hash) ?? [])));
  const puts = needed.filter((block) => block.how === 'put');
  const proofs = needed.filter((block) => block.how === 'prove');
  const byDelta = needed.filter((block) => block.how === 'delta');
  const sender = new BlockSender(sync, upload, source);
  const calls = { concurrency: CONCURRENT_CALLS, signal };
  await each(deltaCalls(byDelta, deltas), calls, (hashes) => sender.sendDeltas(hashes));
  await each(batched(proofs, { most: PROOFS_PER_CALL }), calls, (blocks) => sender.prove(blocks));
  const until = usableUntil(asked);
  await each(puts, { concurrency: BLOCKS_AT_HAND, signal }, (block, either) =>
    sender.put({ ...block, until }, { channel, signal: either }),
  );
  return sender.isComplete;
}

/** The three ways in which a block gets to the service. */
class BlockSender {
  readonly #sync: Parts;
  readonly #upload: UploadKey;
  readonly #source: Source;
  readonly #rooms = new BlockRooms();
  /** Whether nothing failed that asking again may help. */
  isComplete = true;

  constructor(sync: Parts, upload: UploadKey, source: Source) {
    this.#sync = sync;
    this.#upload = upload;
    this.#source = source;
  }

  async sendDeltas(hashes: readonly string[]): Promise<void> {
    const { places, deltas, sent } = this.#source;
    const parts = hashes.map((hash) => ({ hash, ...deltas.get(hash)! }));
    const header = {
      ...this.#upload,
      deltas: parts.map(({ hash, base, bytes }) => ({ hash, size: places.get(hash)!.size, base, bytes: bytes.length })),
    };
    const body = encodeDeltaBody(
      header,
      parts.map(({ bytes }) => bytes),
    );
    const answer = await this.#sync.api.applyDeltas(body);
    const content = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
    sent.envelope += answer.sent - content;
    for (const { hash, error } of answer.body.results) {
      if (error) {
        sent.wholeNext.add(hash);
        this.isComplete = false;
        await checkBase(this.#sync, deltas.get(hash)!);
        continue;
      }
      this.#noteSent(hash, deltas.get(hash)!.bytes.length);
      await this.#withBlock(hash, (block) => this.#sync.cache.put(hash, block));
    }
  }

  async prove(blocks: readonly { hash: string; nonce: string }[]): Promise<void> {
    const prove = ({ hash, nonce }: { hash: string; nonce: string }) =>
      this.#withBlock(hash, async (bytes) => {
        await this.#sync.cache.put(hash, bytes);
        return { hash, proof: toHex(await sha256(Buffer.concat([fromHex(nonce), bytes]))) };
      });
    const list = await pMap(blocks, prove, { concurrency: 2 });
    const proofs = list.filter((proof) => proof !== undefined);
    if (proofs.length === 0) return;
    const answer = await this.#sync.api.prove({ ...this.#upload, proofs });
    this.#source.sent.envelope += answer.sent;
    for (const { hash, error } of answer.body.results) {
      if (error) this.isComplete = false;
      else this.#noteSent(hash, 0);
    }
  }

  /** The store verifies what it gets, so that it need not be hashed here once more. */
  async put(block: PutTarget, { channel, signal }: Sending): Promise<void> {
    const place = this.#source.places.get(block.hash)!;
    await this.#rooms.lend(async (room) => {
      const bytes = await takeIfThere(this.#sync, place, room);
      if (!bytes) return;
      const isSent = await putBlock(block, bytes, channel, signal).catch((error) => {
        if (!(error instanceof DiskChanged)) throw error;
        this.#sync.notices.lookAgain(place.path);
      });
      if (isSent === false) this.isComplete = false;
      if (!isSent) return;
      this.#noteSent(block.hash, bytes.length);
      await this.#sync.cache.put(block.hash, bytes);
    });
  }

  /** Does something with a block; `undefined` when the file does not hold it any more. */
  async #withBlock<Result>(hash: string, use: (bytes: Uint8Array) => Promise<Result>): Promise<Result | undefined> {
    return await this.#rooms.lend(async (room) => {
      const bytes = await readIfThere(this.#sync, this.#source.places.get(hash)!, hash, room);
      return bytes && (await use(bytes));
    });
  }

  /** @param bytes of content that crossed the wire for it */
  #noteSent(hash: string, bytes: number): void {
    const { places, sent, progress } = this.#source;
    sent.content.set(hash, bytes);
    sent.noted();
    this.#sync.state.noteSent(this.#upload.upload_id, hash, bytes);
    const { path, size } = places.get(hash)!;
    progress.get(path)?.(size);
  }
}

/** A delta that was refused may come from damaged blocks of the cache, or from a sketch that misleads. */
async function checkBase({ state, cache }: Pick<Sync, 'state' | 'cache'>, { base }: Delta): Promise<void> {
  const old = state.trees.remote.get(base.path)?.blocks ?? [];
  for (const { hash } of old.slice(base.first, base.first + base.count)) await cache.doubt(hash);
}

/** Cuts the blocks for which there is a delta into calls. */
function deltaCalls(blocks: readonly { hash: string }[], deltas: ReadonlyMap<string, Delta>): Generator<string[]> {
  const hashes = blocks.map(({ hash }) => hash).filter((hash) => deltas.has(hash));
  const bytesOf = (hash: string): number => deltas.get(hash)!.bytes.length;
  return batched(hashes, { most: DELTAS_PER_CALL }, { most: DELTA_BYTES_PER_CALL, of: bytesOf });
}
