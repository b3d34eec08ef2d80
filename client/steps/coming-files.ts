import { isWithinAny } from '../../protocol/path.ts';
import { firstSent } from '../../protocol/sent-bits.ts';
import type { SentSoFar } from '../../protocol/socket.ts';
import { FileRefused } from '../common/errors.ts';
import { discard } from '../common/replace-file.ts';
import { rememberParents } from '../disk/paths.ts';
import { type Operation, pathsOf } from '../plan/operation.ts';
import { type RemoteEntry, sameContent } from '../plan/tree.ts';
import type { DownChannel } from './channels.ts';
import { ComingFile } from './coming-file.ts';
import type { Sync } from './context.ts';
import { BlockSource } from './fetch-blocks.ts';
import type { WantedFile } from './lacking.ts';
import { usableUntil } from './put-block.ts';
import { targetOf, type Written, writeFetched } from './write-fetched.ts';

/** Each has its room on the disk, and blocks in memory. */
const AT_ONCE = 2;
/** Blocks whose URLs are asked for with the file. */
const FIRST_BLOCKS = 64;
/** A file of which nothing is told for so long is not being sent any more, ms. */
const SILENT_MS = 90_000;

/** Operations that leave in its place what they do not name. */
const STAYING: ReadonlySet<Operation['do']> = new Set(['adopt', 'forget', 'setMode', 'download', 'upload']);

type Parts = Pick<
  Sync,
  'root' | 'snapshots' | 'state' | 'api' | 'cache' | 'device' | 'room' | 'report' | 'fetches' | 'atHand' | 'pool'
>;

interface Way {
  readonly channel: DownChannel;
  /** Throws when the folder is not the one that the sync was started on. */
  readonly demandRoot: () => Promise<void>;
}

/**
 * Files that other devices are sending, fetched beside their places as far as they have got. None counts before its
 * version is there and the plan wants it; whatever goes wrong before, it is fetched as any other then.
 */
export class ComingFiles {
  readonly #sync: Parts;
  readonly #way: Way;
  readonly #byPath = new Map<string, Fetching>();
  #isClosed = false;

  constructor(sync: Parts, way: Way) {
    this.#sync = sync;
    this.#way = way;
  }

  /** Another device tells how much it has sent. */
  hear(message: SentSoFar): void {
    const { path, upload_id } = message;
    const known = this.#byPath.get(path);
    if (known?.upload === upload_id) {
      known.hear(message.sent);
      return;
    }
    const drop = (): void => void this.drop((each) => each === path);
    if (known) drop();
    if (this.#byPath.size < AT_ONCE && !this.#isClosed)
      this.#byPath.set(path, new Fetching(this.#sync, message, this.#way, drop));
  }

  /** Whether a file that is wanted was begun before its version was there. */
  has({ path }: WantedFile): boolean {
    return this.#byPath.get(path)?.isUnderWay === true;
  }

  /** The version of a file is there: what was fetched of it before and is to come, or `undefined` when that is nothing. */
  async finish({ path, remote }: WantedFile, signal: AbortSignal): Promise<Written | undefined> {
    const known = this.#byPath.get(path);
    this.#byPath.delete(path);
    return await known?.finish(remote, signal);
  }

  /** Gives up those where something moves, or goes, and those that cannot be committed any more. */
  async makeWay(operations: readonly Operation[]): Promise<void> {
    const moving = new Set(operations.filter(({ do: what }) => !STAYING.has(what)).flatMap(pathsOf));
    const { remote } = this.#sync.state.trees;
    await this.drop((path) => isWithinAny(path, moving) || this.#byPath.get(path)!.isOvertaken(remote.get(path)));
  }

  /** Gives up those at some paths; resolves once nothing of them is left. */
  async drop(which: (path: string) => boolean): Promise<void> {
    const dropped = [...this.#byPath].filter(([path]) => which(path));
    for (const [path] of dropped) this.#byPath.delete(path);
    await Promise.all(dropped.map(([, fetching]) => fetching.giveUp()));
  }

  /** Gives up all, for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.drop(() => true);
  }
}

class Fetching {
  readonly upload: string;
  readonly #end = new AbortController();
  readonly #silence: NodeJS.Timeout;
  readonly #written: Promise<Written | undefined>;
  #sent: string;
  #file: ComingFile | undefined;
  #source: BlockSource | undefined;

  constructor(sync: Parts, { upload_id, path, sent }: SentSoFar, way: Way, onSilence: () => void) {
    this.upload = upload_id;
    this.#sent = sent;
    this.#silence = setTimeout(onSilence, SILENT_MS);
    // What went wrong is found again when its version is there.
    this.#written = this.#fetch(sync, path, way)
      .catch(() => undefined)
      .then((written) => {
        if (!written) this.#source = undefined;
        return written;
      });
  }

  hear(sent: string): void {
    this.#silence.refresh();
    this.#sent = sent;
    if (this.#file) this.#lookAhead(this.#file, this.#file.arrived(sent));
  }

  /** Whether all of it has come, or is coming. */
  get isUnderWay(): boolean {
    return this.#source !== undefined;
  }

  /** Whether another content is at its path since it was offered. */
  isOvertaken(there: RemoteEntry | undefined): boolean {
    return this.#file !== undefined && isOvertaken(this.#file.remote, there);
  }

  async finish(remote: RemoteEntry, signal: AbortSignal): Promise<Written | undefined> {
    const file = this.#file;
    if (!file || !sameContent(file.remote, remote) || file.remote.mtime_ms !== remote.mtime_ms) {
      await this.giveUp();
      return undefined;
    }
    clearTimeout(this.#silence);
    const end = (): void => this.#end.abort();
    signal.addEventListener('abort', end, { once: true });
    this.#lookAhead(file, file.committed(remote));
    return await this.#written.finally(() => signal.removeEventListener('abort', end));
  }

  async giveUp(): Promise<void> {
    clearTimeout(this.#silence);
    this.#end.abort();
    // Before that nothing is on the disk, and a call may take long.
    const written = this.#file && (await this.#written);
    if (written) await discard(written.beside.temporary);
  }

  #lookAhead(file: ComingFile, hashes: ReadonlySet<string>): void {
    void this.#source?.lookAhead(file, hashes, this.#end.signal);
  }

  async #fetch(sync: Parts, path: string, { channel, demandRoot }: Way): Promise<Written | undefined> {
    await demandRoot();
    const files = [{ path, upload: this.upload, sent: firstSent(this.#sent, FIRST_BLOCKS) }];
    const until = usableUntil(performance.now());
    const { most } = sync.fetches;
    const request = { device_id: sync.device.id, contents: most, files };
    const { body } = await sync.fetches.asking(most, () => sync.api.download(request));
    const [answer] = body.files;
    if (!answer || 'error' in answer || this.#end.signal.aborted) return undefined;
    const file = new ComingFile(this.upload, answer.entry);
    const { local, remote } = sync.state.trees;
    if (sameContent(local.get(path), file.remote) || isOvertaken(file.remote, remote.get(path))) return undefined;
    const { mtime_ms, blocks } = file.remote;
    const target = { ...targetOf(sync, file, rememberParents(sync.root)), mtime_ms, blocks };
    this.#file = file;
    const there = file.arrived(this.#sent);
    // Nothing is said of what may come to nothing.
    const report: Sync['report'] = (event) => (file.upload === undefined ? sync.report(event) : undefined);
    this.#source = new BlockSource(sync, [file], channel);
    this.#source.note(body, until);
    this.#lookAhead(file, there);
    const source = new ComingSource(this.#source, file);
    const numbers = (signal: AbortSignal): AsyncIterable<number> => file.numbers(signal);
    return await writeFetched({ ...sync, report }, file, target, { source, signal: this.#end.signal, numbers });
  }
}

function isOvertaken(offered: RemoteEntry, there: RemoteEntry | undefined): boolean {
  return there !== undefined && there.version >= offered.version && !sameContent(offered, there);
}

/** Blocks of a file that is being sent. */
class ComingSource {
  readonly #source: BlockSource;
  readonly #file: ComingFile;

  constructor(source: BlockSource, file: ComingFile) {
    this.#source = source;
    this.#file = file;
  }

  /** What an upload does not give any more its version has. */
  async block(
    _: WantedFile,
    index: number,
    signal: AbortSignal,
    ...rest: [room: Buffer, isVerifiedLater?: boolean]
  ): ReturnType<BlockSource['block']> {
    const { upload } = this.#file;
    try {
      return await this.#source.block(this.#file, index, signal, ...rest);
    } catch (error) {
      if (upload === undefined || !(error instanceof FileRefused)) throw error;
      await this.#file.untilCommitted(signal);
      return await this.#source.block(this.#file, index, signal, ...rest);
    }
  }
}
