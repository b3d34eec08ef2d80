import pLimit from 'p-limit';
import { sha256, toHex } from '../../codec/index.ts';
import { limits } from '../../protocol/limits.ts';
import { FileRefused, reasonOf } from '../common/errors.ts';
import { backoff, pause } from '../common/retry.ts';
import type { RemoteEntry } from '../plan/tree.ts';
import { Unreachable } from '../service/errors.ts';
import { fetchBytes } from '../service/fetch-bytes.ts';
import type { Sync } from './context.ts';
import { type BlockPlace, readBlock } from './folder-blocks.ts';

/** URLs for one call; at 500 bytes each the answer stays far below Lambda's 6 MB payload. */
const URLS_PER_CALL = 1000;
/** A URL is replaced this long before its end. */
const EARLY_MS = 60_000;
/** Fewer bytes are fetched sooner than found among the blocks of 100,000 files. */
const SEARCH_BYTES = 1024 * 1024;
const CONCURRENT_FETCHES = 8;
const ATTEMPTS = 4;
const FETCH_TIMEOUT_MS = 120_000;
const LOST = 'the service has lost part of its content; it follows once a device that has it has sent it again';

export interface WantedFile {
  readonly path: string;
  readonly remote: RemoteEntry;
}

export interface FetchedBlock {
  readonly bytes: Uint8Array;
  /** Bytes that came over the wire for it: all, or none. */
  readonly received: number;
}

/** Where the blocks of some files come from: this disk if it has them, else the CDN. Every block is verified. */
export class BlockSource {
  readonly #sync: Sync;
  readonly #here: ReadonlyMap<string, BlockPlace>;
  readonly #fetching = pLimit(CONCURRENT_FETCHES);
  readonly #urls = new Map<string, { readonly url: string; readonly until: number }>();
  readonly #refused = new Map<string, string>();
  /** Arrived damaged: what is on the way may have kept them so. */
  readonly #damaged = new Set<string>();

  constructor(sync: Sync, files: readonly WantedFile[]) {
    this.#sync = sync;
    this.#here = findBlocks(sync, files);
  }

  /** Asks for the URLs of all blocks that this disk lacks, in as few calls as the limits allow. */
  async prepare(files: readonly WantedFile[]): Promise<void> {
    let call: { file: WantedFile; lacks: string[] }[] = [];
    let urls = 0;
    for (const file of files) {
      const lacks = this.#lacks(file).slice(0, URLS_PER_CALL);
      if (lacks.length === 0) continue;
      if (urls + lacks.length > URLS_PER_CALL || call.length === limits.filesPerCall) {
        await this.#ask(call);
        [call, urls] = [[], 0];
      }
      call.push({ file, lacks });
      urls += lacks.length;
    }
    if (call.length > 0) await this.#ask(call);
  }

  async block(file: WantedFile, index: number): Promise<FetchedBlock> {
    const { hash } = file.remote.blocks[index]!;
    const place = this.#here.get(hash);
    const local = place && (await readBlock(this.#sync.root, place, hash).catch(() => undefined));
    const bytes = local ?? (await this.#sync.cache.get(hash));
    if (bytes) return { bytes, received: 0 };
    return this.#fetching(() => this.#fetch(file, hash));
  }

  #lacks({ remote }: WantedFile): string[] {
    const hashes = new Set(remote.blocks.map(({ hash }) => hash));
    return [...hashes].filter((hash) => !this.#here.has(hash) && !this.#sync.cache.has(hash) && !this.#urls.has(hash));
  }

  async #ask(call: readonly { file: WantedFile; lacks: string[] }[]): Promise<void> {
    const { body } = await this.#sync.api.download({
      device_id: this.#sync.device.id,
      files: call.map(({ file, lacks }) => {
        const damaged = lacks.filter((hash) => this.#damaged.has(hash)).slice(0, limits.damagedPerFile);
        return { path: file.path, version: file.remote.version, lacks, ...(damaged.length > 0 && { damaged }) };
      }),
    });
    for (const [hash, url] of Object.entries(body.urls)) this.#urls.set(hash, { url, until: body.urls_expire_at });
    for (const file of body.files) if ('error' in file) this.#refused.set(file.path, file.error.message);
  }

  async #url(file: WantedFile, hash: string): Promise<string> {
    const known = this.#urls.get(hash);
    if (known && known.until - EARLY_MS > Date.now()) return known.url;
    this.#urls.delete(hash);
    const others = this.#lacks(file).filter((other) => other !== hash);
    await this.#ask([{ file, lacks: [hash, ...others].slice(0, URLS_PER_CALL) }]);
    const url = this.#urls.get(hash)?.url;
    if (url !== undefined) return url;
    throw new FileRefused('not_found', this.#refused.get(file.path) ?? 'the service lacks its content');
  }

  async #fetch(file: WantedFile, hash: string): Promise<FetchedBlock> {
    let received = 0;
    for (let attempt = 1; ; attempt++) {
      const url = await this.#url(file, hash);
      let reason: string;
      try {
        const { status, bytes } = await fetchBytes(url, FETCH_TIMEOUT_MS);
        if (status === 200) {
          received += bytes.length;
          if (toHex(await sha256(bytes)) === hash) return { bytes, received };
          if (attempt === ATTEMPTS) throw new FileRefused('content_mismatch', 'its content arrives damaged');
          this.#damaged.add(hash);
        }
        // A URL whose time is over, or a block that the store has lost.
        if (status === 403 && attempt === ATTEMPTS) throw new FileRefused('unavailable', LOST);
        if (status === 200 || status === 403) this.#urls.delete(hash);
        reason = `the download service answered ${status}`;
      } catch (error) {
        if (error instanceof FileRefused) throw error;
        reason = `the download service does not answer: ${reasonOf(error)}`;
      }
      if (attempt === ATTEMPTS) throw new Unreachable(reason);
      await pause(backoff(attempt, { first: 200, most: 2000 }));
    }
  }
}

/** Where in the folder blocks of these files lie already; the file's own old version first. */
function findBlocks(sync: Sync, files: readonly WantedFile[]): Map<string, BlockPlace> {
  const wanted = new Map(files.flatMap(({ remote }) => remote.blocks.map(({ hash, size }) => [hash, size])));
  const places = new Map<string, BlockPlace>();
  const search = (path: string): void => {
    let offset = 0;
    for (const { hash, size } of sync.state.trees.local.get(path)?.blocks ?? []) {
      if (wanted.delete(hash)) places.set(hash, { path, offset, size });
      offset += size;
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
