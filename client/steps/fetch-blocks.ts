import pLimit from 'p-limit';
import pMap from 'p-map';
import { sha256, toHex } from '../../codec/index.ts';
import type { DownloadResponse } from '../../protocol/download.ts';
import type { Block } from '../../protocol/entry.ts';
import { limits } from '../../protocol/limits.ts';
import { batched } from '../common/batched.ts';
import { FileRefused } from '../common/errors.ts';
import { retried, TryAgain } from '../common/retry.ts';
import { Arrived, type FetchAnswer } from '../service/fetch-bytes.ts';
import { arrivedDamaged, demandContent, type FetchedBlock, getOn } from './block-answers.ts';
import { BlockRooms } from './block-rooms.ts';
import type { DownChannel } from './channels.ts';
import type { Sync } from './context.ts';
import { type BlockPlace, findBlocks, readBlock } from './folder-blocks.ts';
import { asked, countLacks, type Lacking, type WantedFile } from './lacking.ts';
import { type PackPart, type Span, spansOf } from './pack-spans.ts';
import { Patches } from './patches.ts';
import { usableUntil } from './put-block.ts';
import { EDITED_WHOLE } from './small-calls.ts';
import { SmallContents } from './small-contents.ts';

/** URLs for one call; at 500 bytes each the answer stays far below Lambda's 6 MB payload. */
const URLS_PER_CALL = 1000;
/** Parts of packs that are fetched at a time. */
const SPANS_AT_ONCE = 4;

type Parts = Pick<Sync, 'root' | 'snapshots' | 'state' | 'api' | 'cache' | 'device' | 'fetches' | 'atHand'>;

/**
 * Where the blocks of some files come from: this disk if it has them, else an answer or the CDN. Every block is verified,
 * but where who asks for it does so later.
 */
export class BlockSource {
  readonly #sync: Parts;
  readonly #channel: DownChannel;
  readonly #here: ReadonlyMap<string, BlockPlace>;
  readonly #urls = new Map<string, { readonly url: string; readonly until: number }>();
  readonly #small = new SmallContents();
  readonly #patches: Patches;
  readonly #refused = new Map<string, string>();
  /** Arrived damaged: what is on the way may have kept them so. */
  readonly #damaged = new Set<string>();
  /** Could not be had, however often they were asked for. */
  readonly #suspects = new Set<string>();
  readonly #rooms = new BlockRooms();
  /** One at a time, since the answer to one has what others look for. */
  readonly #looks = pLimit(1);

  constructor(sync: Parts, files: readonly WantedFile[], channel: DownChannel) {
    this.#sync = sync;
    this.#channel = channel;
    this.#here = findBlocks(sync, files);
    this.#patches = new Patches(sync);
    sync.atHand.handOver(files, this.#small);
  }

  /**
   * Asks for all blocks that this disk lacks, or their URLs, in as few calls as the limits and the line allow. Yields the
   * files of each call once it is known where they are, and first those of which it lacks none.
   */
  async *prepare<File extends WantedFile>(files: readonly File[]): AsyncGenerator<readonly File[], void> {
    const { fetches } = this.#sync;
    const wanted = files.map((file) => ({ file, lacks: this.#lacks(file).slice(0, URLS_PER_CALL) }));
    const { here = [], away = [] } = Object.groupBy(wanted, ({ lacks }) => (lacks.length === 0 ? 'here' : 'away'));
    if (here.length > 0) yield here.map(({ file }) => file);
    while (away.length > 0) {
      const { most } = fetches;
      const [call = []] = batched(
        away,
        { most: limits.filesPerCall },
        { most: URLS_PER_CALL, of: countLacks },
        { most, of: (each) => fetches.weigh(each) },
      );
      const left = await this.#ask(call, most);
      away.splice(0, call.length, ...left);
      const waiting = new Set(left.map(({ file }) => file));
      yield call.map(({ file }) => file).filter((file) => !waiting.has(file));
    }
  }

  /** Tells the service what could not be had, so that it looks, and asks devices that have the content for it. */
  async report(): Promise<void> {
    const { api, device } = this.#sync;
    for (const suspects of batched([...this.#suspects], { most: limits.suspectsPerCall })) {
      await api.heal({ device_id: device.id, hashes: [], suspects: [...suspects] });
    }
  }

  /**
   * @param room for its bytes, which are valid as long as it is; others may be elsewhere
   * @param isVerifiedLater whether it may be another content of its size
   */
  async block(
    file: WantedFile,
    index: number,
    signal: AbortSignal,
    room: Buffer,
    isVerifiedLater = false,
  ): Promise<FetchedBlock> {
    const block = file.remote.blocks[index]!;
    const { hash } = block;
    const place = this.#here.get(hash);
    const local = place && (await readBlock(this.#sync, place, hash, room).catch(() => undefined));
    const bytes = local ?? (await this.#sync.cache.get(hash));
    if (bytes) return { bytes, received: 0 };
    return this.#fetch(file, block, signal, { room, isVerifiedLater }).catch((error) => {
      if (error instanceof FileRefused && error.code !== 'not_found') this.#suspects.add(hash);
      throw error;
    });
  }

  #lacks(file: WantedFile): string[] {
    const hashes = new Set(file.remote.blocks.map(({ hash }) => hash));
    return [...hashes].filter(
      (hash) =>
        (file.isThere?.(hash) ?? true) && !this.#here.has(hash) && !this.#sync.cache.has(hash) && !this.#isKnown(hash),
    );
  }

  /** Whether a block came, or it is known where it is. */
  #isKnown(hash: string): boolean {
    return this.#small.has(hash) || this.#sourceOf(hash) !== undefined;
  }

  /** The URL that leads to a block, or to the pack that it lies in. */
  #sourceOf(hash: string): { readonly url: string; readonly part: PackPart | undefined } | undefined {
    const part = this.#small.partOf(hash);
    const known = this.#urls.get(part?.pack ?? hash);
    return known && performance.now() < known.until ? { url: known.url, part } : undefined;
  }

  /** Notes an answer with so many bytes of contents, at most; returns what it may have had no room for. */
  async #ask<Wanted extends Lacking>(call: readonly Wanted[], contents?: number): Promise<Wanted[]> {
    const until = usableUntil(performance.now());
    const { api, device, fetches } = this.#sync;
    const request = {
      device_id: device.id,
      contents,
      files: call.map((each) => asked(this.#sync.state, each, this.#damaged)),
    };
    const { body } = await fetches.asking(contents ?? 0, () => api.download(request));
    fetches.answered(call, body);
    this.note(body, until);
    for (const file of body.files) if ('error' in file) this.#refused.set(file.path, file.error.message);
    if (Object.keys(body.contents).length === 0) return [];
    return call
      .map((each) => ({ ...each, lacks: each.lacks.filter((hash) => !this.#isKnown(hash)) }))
      .filter(({ file, lacks }) => lacks.length > 0 && !this.#refused.has(file.path));
  }

  /** Notes what an answer has of the blocks, whose URLs may be used until then, by `performance.now()`. */
  note(answer: DownloadResponse, until: number): void {
    for (const [hash, url] of Object.entries(answer.urls)) this.#urls.set(hash, { url, until });
    this.#small.note(answer);
    this.#patches.note(answer.deltas);
  }

  /** Asks where some blocks of a file are before they are needed; what goes wrong is found when they are. */
  async lookAhead(file: WantedFile, hashes: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    await this.#looks(async () => {
      const lacks = this.#lacks(file).filter((hash) => hashes.has(hash));
      if (lacks.length > 0 && !signal.aborted) await this.#ask([{ file, lacks: lacks.slice(0, URLS_PER_CALL) }]);
    }).catch(() => undefined);
  }

  /** Asks for a block of which it is not known where it is, and for what else the file lacks. */
  async #look(file: WantedFile, hash: string): Promise<void> {
    if (this.#isKnown(hash)) return;
    await this.#looks(async () => {
      if (this.#isKnown(hash)) return;
      const others = this.#lacks(file).filter((other) => other !== hash);
      await this.#ask([{ file, lacks: [hash, ...others].slice(0, URLS_PER_CALL) }]);
    });
  }

  /** Whether some of a file lies in packs. */
  isPacked({ remote }: WantedFile): boolean {
    return remote.blocks.some(({ hash }) => this.#small.partOf(hash) !== undefined && !this.#small.has(hash));
  }

  /** Fetches what lies in packs of these files, many contents with a request. What does not come is left to `block`. */
  async collect(files: readonly WantedFile[], signal: AbortSignal): Promise<void> {
    const contents = new Map<string, PackPart>();
    for (const { hash } of files.flatMap(({ remote }) => remote.blocks)) {
      const part = this.#sourceOf(hash)?.part;
      if (part && !this.#small.has(hash)) contents.set(hash, part);
    }
    const fetch = (span: Span) =>
      this.#fetchSpan(span, signal).catch((error) => {
        if (!signal.aborted && !(error instanceof TryAgain) && !(error instanceof FileRefused)) throw error;
      });
    await pMap(spansOf(contents), fetch, { concurrency: SPANS_AT_ONCE });
  }

  async #fetchSpan(span: Span, signal: AbortSignal): Promise<void> {
    const { window, gate } = this.#channel;
    const fetch = (): Promise<number> =>
      gate.pass(async () => {
        // A span before this one may have met the end of the URL.
        const known = this.#urls.get(span.pack);
        if (!known) return 0;
        const bytes = await this.#getPart(known.url, span, signal);
        for (const [hash, { at, bytes: length }] of span.contents) {
          this.#small.put(hash, bytes.subarray(at - span.at, at - span.at + length));
        }
        return bytes.length;
      });
    await window.run(fetch, (received) => received);
  }

  /** Bytes of a pack, unverified. */
  #getPart(url: string, { pack, at, bytes }: PackPart, signal: AbortSignal): Promise<Uint8Array> {
    return this.#rooms.lend(async (room) => {
      const arrived = new Arrived(room);
      this.#demandContent(pack, await getOn(url, arrived, signal, { at, bytes }));
      const all = arrived.bytes();
      // Who does not know ranges answers with all of it.
      return new Uint8Array(all.length > bytes ? all.subarray(at, at + bytes) : all);
    });
  }

  /** All of a file that came with others, if it did; an empty file needs nothing. */
  async whole({ remote }: WantedFile): Promise<Omit<FetchedBlock, 'isSmall'> | undefined> {
    if (!remote.blocks.every(({ hash }) => this.#small.has(hash))) return undefined;
    const blocks: FetchedBlock[] = [];
    for (const block of remote.blocks) {
      const small = await this.#decode(block);
      if (!small) return undefined;
      if (!small.isSmall) await this.#sync.cache.put(block.hash, small.bytes);
      blocks.push(small);
    }
    const received = blocks.reduce((sum, block) => sum + block.received, 0);
    const bytes = blocks.length === 1 ? blocks[0]!.bytes : Buffer.concat(blocks.map((block) => block.bytes));
    return { bytes, received };
  }

  /** The block, if it came with others and is whole; one that is not is for the service to look at. */
  async #decode(block: Block): Promise<FetchedBlock | undefined> {
    const small = await this.#small.decode(block);
    if (small !== 'bad') return small && { ...small, isSmall: block.size <= EDITED_WHOLE };
    this.#suspects.add(block.hash);
    // What is on the way may have kept its pack so.
    this.#damaged.add(block.hash);
    return undefined;
  }

  async #fetch(
    file: WantedFile,
    block: Block,
    signal: AbortSignal,
    { room, isVerifiedLater }: { readonly room: Buffer; readonly isVerifiedLater: boolean },
  ): Promise<FetchedBlock> {
    const { hash } = block;
    const near = (await this.#decode(block)) ?? (await this.#patches.make(file.path, block));
    if (near) return near;
    const { window, beginnings, gate } = this.#channel;
    const arrived = beginnings.take(hash, room);
    const attempt = async (): Promise<FetchedBlock> => {
      await this.#look(file, hash);
      const come = await this.#decode(block);
      if (come) return come;
      const source = this.#sourceOf(hash);
      if (source === undefined) {
        throw new FileRefused('not_found', this.#refused.get(file.path) ?? 'the service lacks its content');
      }
      if (source.part) {
        this.#small.put(hash, await this.#getPart(source.url, source.part, signal));
        const small = await this.#decode(block);
        if (small) return small;
        throw new TryAgain(arrivedDamaged());
      }
      const answer = await getOn(source.url, arrived, signal);
      this.#demandContent(hash, answer);
      const isWhole = isVerifiedLater && arrived.size === block.size;
      if (!isWhole) await this.#demandBlock(hash, arrived);
      return { bytes: arrived.bytes(), received: arrived.received };
    };
    try {
      return await retried(
        () =>
          window.run(
            () => gate.pass(attempt),
            ({ received }) => received,
          ),
        signal,
      );
    } catch (error) {
      beginnings.keep(hash, arrived);
      throw error;
    }
  }

  async #demandBlock(hash: string, arrived: Arrived): Promise<void> {
    if (toHex(await sha256(arrived.bytes())) === hash) return;
    arrived.clear();
    this.#damaged.add(hash);
    this.#urls.delete(hash);
    throw new TryAgain(arrivedDamaged());
  }

  /** A URL that is refused is asked for anew. */
  #demandContent(hash: string, answer: FetchAnswer): void {
    if (answer.status === 403) this.#urls.delete(hash);
    demandContent(answer);
  }
}
