import { reasonOf } from '../../cli/reason.ts';
import { applyDelta, DeltaError, sha256, toHex } from '../../codec/index.ts';
import type { Block } from '../../protocol/entry.ts';
import { limits } from '../../protocol/limits.ts';
import { batched } from '../common/batched.ts';
import { FileRefused } from '../common/errors.ts';
import { retried, retryAfter, TryAgain } from '../common/retry.ts';
import { withOffsets } from '../plan/block-offsets.ts';
import type { RemoteEntry } from '../plan/tree.ts';
import { DeadConnection } from '../service/connections.ts';
import { StoreUnreachable } from '../service/errors.ts';
import { type Arrived, type FetchAnswer, fetchRest } from '../service/fetch-bytes.ts';
import type { DownChannel } from './channels.ts';
import type { Sync } from './context.ts';
import { type BlockPlace, readBlock } from './folder-blocks.ts';
import { Patches } from './patches.ts';
import { usableUntil } from './put-block.ts';

/** URLs for one call; at 500 bytes each the answer stays far below Lambda's 6 MB payload. */
const URLS_PER_CALL = 1000;
/** Fewer bytes are fetched sooner than found among the blocks of 100,000 files. */
const SEARCH_BYTES = 1024 * 1024;
/** An answer that breaks off after so many bytes got on: the next one is no repetition. */
const PROGRESS_BYTES = 64 * 1024;
const NOTHING = new Uint8Array(0);
const LOST = 'the service has lost part of its content; it follows once a device that has it has sent it again';

export interface WantedFile {
  readonly path: string;
  readonly remote: RemoteEntry;
}

export interface FetchedBlock {
  readonly bytes: Uint8Array;
  /** Bytes that came over the wire for it. */
  readonly received: number;
  /** Whether it came in an answer, for it is small. */
  readonly isSmall?: true;
}

/** A file, and blocks of it whose URLs are wanted. */
interface Lacking {
  readonly file: WantedFile;
  readonly lacks: string[];
}

const countLacks = ({ lacks }: Lacking): number => lacks.length;

/** Bytes, at most, that the contents of the blocks may take in an answer. */
function contentBytes({ file, lacks }: Lacking): number {
  const sizes = new Map(file.remote.blocks.map(({ hash, size }) => [hash, size]));
  const small = lacks.map((hash) => sizes.get(hash)!).filter((size) => size <= limits.smallBytes);
  return small.reduce((sum, size) => sum + Math.min(size, limits.smallEncodedBytes), 0);
}

type Parts = Pick<Sync, 'root' | 'snapshots' | 'state' | 'api' | 'cache' | 'device' | 'fetches'>;

/** Where the blocks of some files come from: this disk if it has them, else an answer or the CDN. Every block is verified. */
export class BlockSource {
  readonly #sync: Parts;
  readonly #channel: DownChannel;
  readonly #here: ReadonlyMap<string, BlockPlace>;
  readonly #urls = new Map<string, { readonly url: string; readonly until: number }>();
  /** Encoded. */
  readonly #contents = new Map<string, Uint8Array>();
  readonly #patches: Patches;
  readonly #refused = new Map<string, string>();
  /** Arrived damaged: what is on the way may have kept them so. */
  readonly #damaged = new Set<string>();
  /** Could not be had, however often they were asked for. */
  readonly #suspects = new Set<string>();

  constructor(sync: Parts, files: readonly WantedFile[], channel: DownChannel) {
    this.#sync = sync;
    this.#channel = channel;
    this.#here = findBlocks(sync, files);
    this.#patches = new Patches(sync);
  }

  /** Asks for all blocks that this disk lacks, or their URLs, in as few calls as the limits and the line allow. */
  async prepare(files: readonly WantedFile[]): Promise<void> {
    const lacking = [...this.#lacking(files)];
    while (lacking.length > 0) {
      const most = Math.min(this.#sync.fetches.most, limits.contentBytesPerAnswer / 2);
      const [call = []] = batched(
        lacking,
        { most: limits.filesPerCall },
        { most: URLS_PER_CALL, of: countLacks },
        { most, of: contentBytes },
      );
      await this.#ask(call);
      lacking.splice(0, call.length);
    }
  }

  /** The files of which this disk lacks blocks, each with as many of them as one call may name. */
  *#lacking(files: readonly WantedFile[]): Generator<Lacking> {
    for (const file of files) {
      const lacks = this.#lacks(file).slice(0, URLS_PER_CALL);
      if (lacks.length > 0) yield { file, lacks };
    }
  }

  /** Tells the service what could not be had, so that it looks, and asks devices that have the content for it. */
  async report(): Promise<void> {
    const { api, device } = this.#sync;
    for (const suspects of batched([...this.#suspects], { most: limits.suspectsPerCall })) {
      await api.heal({ device_id: device.id, hashes: [], suspects: [...suspects] });
    }
  }

  async block(file: WantedFile, index: number, signal: AbortSignal): Promise<FetchedBlock> {
    const block = file.remote.blocks[index]!;
    const { hash } = block;
    const place = this.#here.get(hash);
    const local = place && (await readBlock(this.#sync, place, hash).catch(() => undefined));
    const bytes = local ?? (await this.#sync.cache.get(hash));
    if (bytes) return { bytes, received: 0 };
    return this.#fetch(file, block, signal).catch((error) => {
      if (error instanceof FileRefused && error.code !== 'not_found') this.#suspects.add(hash);
      throw error;
    });
  }

  #lacks({ remote }: WantedFile): string[] {
    const hashes = new Set(remote.blocks.map(({ hash }) => hash));
    return [...hashes].filter(
      (hash) =>
        !this.#here.has(hash) &&
        !this.#sync.cache.has(hash) &&
        !this.#contents.has(hash) &&
        this.#usableUrl(hash) === undefined,
    );
  }

  #usableUrl(hash: string): string | undefined {
    const known = this.#urls.get(hash);
    return known && performance.now() < known.until ? known.url : undefined;
  }

  async #ask(call: readonly Lacking[]): Promise<void> {
    const until = usableUntil(performance.now());
    const { api, device, fetches } = this.#sync;
    const request = {
      device_id: device.id,
      files: call.map(({ file, lacks }) => {
        const damaged = lacks.filter((hash) => this.#damaged.has(hash)).slice(0, limits.damagedPerFile);
        return { path: file.path, version: file.remote.version, lacks, ...(damaged.length > 0 && { damaged }) };
      }),
    };
    const bytes = call.reduce((sum, each) => sum + contentBytes(each), 0);
    const { body } = await fetches.measured(bytes, () => api.download(request));
    for (const [hash, url] of Object.entries(body.urls)) this.#urls.set(hash, { url, until });
    for (const [hash, content] of Object.entries(body.contents)) {
      this.#contents.set(hash, Buffer.from(content, 'base64'));
    }
    this.#patches.note(body.deltas);
    for (const file of body.files) if ('error' in file) this.#refused.set(file.path, file.error.message);
  }

  /** Asks for a block of which it is not known where it is, and for what else the file lacks. */
  async #look(file: WantedFile, hash: string): Promise<void> {
    if (this.#contents.has(hash) || this.#usableUrl(hash) !== undefined) return;
    const others = this.#lacks(file).filter((other) => other !== hash);
    await this.#ask([{ file, lacks: [hash, ...others].slice(0, URLS_PER_CALL) }]);
  }

  /** All of a file that came in answers, if it did; an empty file needs no answer. */
  async whole({ remote }: WantedFile): Promise<Omit<FetchedBlock, 'isSmall'> | undefined> {
    if (!remote.blocks.every(({ hash }) => this.#contents.has(hash))) return undefined;
    const blocks: FetchedBlock[] = [];
    for (const block of remote.blocks) {
      const small = await this.#small(block);
      if (!small) return undefined;
      blocks.push(small);
    }
    const received = blocks.reduce((sum, block) => sum + block.received, 0);
    return {
      bytes: blocks.length === 1 ? blocks[0]!.bytes : Buffer.concat(blocks.map(({ bytes }) => bytes)),
      received,
    };
  }

  /** The block, if it came in an answer and is whole; one that is not is for the service to look at. */
  async #small({ hash, size }: Block): Promise<FetchedBlock | undefined> {
    const encoded = this.#contents.get(hash);
    if (!encoded) return undefined;
    try {
      const bytes = await applyDelta(NOTHING, encoded, { expectedSize: size, expectedHash: hash });
      return { bytes, received: encoded.length, isSmall: true };
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      this.#contents.delete(hash);
      this.#suspects.add(hash);
      return undefined;
    }
  }

  async #fetch(file: WantedFile, block: Block, signal: AbortSignal): Promise<FetchedBlock> {
    const { hash } = block;
    const near = (await this.#small(block)) ?? (await this.#patches.make(file.path, block));
    if (near) return near;
    const { window, beginnings, gate } = this.#channel;
    const arrived = beginnings.take(hash);
    const attempt = async (): Promise<FetchedBlock> => {
      await this.#look(file, hash);
      const come = await this.#small(block);
      if (come) return come;
      const url = this.#usableUrl(hash);
      if (url === undefined) {
        throw new FileRefused('not_found', this.#refused.get(file.path) ?? 'the service lacks its content');
      }
      const answer = await this.#getOn(url, arrived, signal);
      const bytes = await this.#judge(hash, answer, arrived);
      return { bytes, received: arrived.received };
    };
    try {
      return await retried(() => window.run(() => gate.pass(attempt)), signal);
    } catch (error) {
      beginnings.keep(hash, arrived);
      throw error;
    }
  }

  /** Goes on after an answer that broke off, as long as each brings something. */
  async #getOn(url: string, arrived: Arrived, signal: AbortSignal): Promise<FetchAnswer> {
    for (;;) {
      signal.throwIfAborted();
      const start = arrived.size;
      try {
        return await fetchRest(url, arrived, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof DeadConnection || arrived.size - start >= PROGRESS_BYTES) continue;
        throw new TryAgain(new StoreUnreachable(`the download service does not answer: ${reasonOf(error)}`));
      }
    }
  }

  /** The block, if it is one. */
  async #judge(hash: string, { status, retryAfter: wait }: FetchAnswer, arrived: Arrived): Promise<Uint8Array> {
    if (status === 200) {
      const bytes = arrived.bytes();
      if (toHex(await sha256(bytes)) === hash) return bytes;
      arrived.clear();
      this.#damaged.add(hash);
      this.#urls.delete(hash);
      throw new TryAgain(new FileRefused('content_mismatch', 'its content arrives damaged'));
    }
    if (status === 403) {
      // A URL whose time is over, or a block that the store has lost.
      this.#urls.delete(hash);
      throw new TryAgain(new FileRefused('unavailable', LOST));
    }
    const after = retryAfter(wait);
    throw new TryAgain(new StoreUnreachable(`the download service answered ${status}`, { after }), after);
  }
}

/** Where in the folder blocks of these files lie already; the file's own old version first. */
function findBlocks(sync: Pick<Sync, 'state' | 'cache'>, files: readonly WantedFile[]): Map<string, BlockPlace> {
  const wanted = new Map(files.flatMap(({ remote }) => remote.blocks.map(({ hash, size }) => [hash, size])));
  const places = new Map<string, BlockPlace>();
  const search = (path: string): void => {
    for (const { hash, offset, size } of withOffsets(sync.state.trees.local.get(path)?.blocks ?? [])) {
      if (wanted.delete(hash)) places.set(hash, { path, offset, size });
    }
  };
  for (const { path } of files) search(path);
  for (const hash of wanted.keys()) if (sync.cache.has(hash)) wanted.delete(hash);
  if ([...wanted.values()].reduce((sum, size) => sum + size, 0) < SEARCH_BYTES) return places;
  for (const path of sync.state.trees.local.keys()) {
    if (wanted.size === 0) break;
    search(path);
  }
  return places;
}
