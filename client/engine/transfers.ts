import { ancestors } from '../../protocol/path.ts';
import { discard } from '../common/replace-file.ts';
import { type Operation, pathOf } from '../plan/operation.ts';
import type { Content, RemoteEntry } from '../plan/tree.ts';
import { ServiceError, Unreachable } from '../service/errors.ts';
import { Gate } from '../service/gate.ts';
import { type DownChannel, newDownChannel, newUpChannel, type UpChannel } from '../steps/channels.ts';
import { ComingFiles } from '../steps/coming-files.ts';
import type { Sync } from '../steps/context.ts';
import { type FetchedFile, fetchFiles } from '../steps/fetch-files.ts';
import { heal } from '../steps/heal.ts';
import type { Load } from '../steps/newcomers.ts';
import { type SentUpload, sendContent } from '../steps/upload.ts';
import { Lanes } from './lanes.ts';
import { OnItsWay } from './on-its-way.ts';
import { type Arrival, OpenUpload, Transfer, type TransferStep } from './transfer.ts';

interface TransfersOptions {
  readonly sync: Sync;
  /** Throws when the folder is not the one that the sync was started on. */
  readonly demandRoot: () => Promise<void>;
  /** Called when something has arrived, or failed. */
  readonly onNews: () => void;
}

/** Files that have arrived wait so long for others, ms, before a round puts them in place. */
const TOGETHER_MS = 200;

/**
 * Content on its way, beside the rounds, so that looks, changes and commits go on while it moves or stands still. It is
 * moved to where one more step makes it count: to the store, where a commit makes a version of it, or beside its place
 * on the disk. That step is done in a round, if the plan then still wants it; no transfer writes a tree.
 */
export class Transfers {
  readonly #options: TransfersOptions;
  readonly #store = new Gate({ onBack: () => this.#storesAreBack() });
  readonly #cdn = new Gate({ onBack: () => this.#storesAreBack() });
  readonly #up: Lanes<Transfer, UpChannel>;
  readonly #down: Lanes<Transfer, DownChannel>;
  /** Files that other devices are sending. */
  readonly coming: ComingFiles;
  readonly #onItsWay = new OnItsWay();
  /** Sessions that are open or wait for their commit. */
  readonly #uploads = new Set<OpenUpload>();
  /** What ended and leads to nothing, and why. */
  #failed: { readonly transfers: readonly Transfer[]; readonly error?: unknown }[] = [];
  readonly #closed = new AbortController();
  #healing: Promise<void> | undefined;
  #news: NodeJS.Timeout | undefined;

  constructor(options: TransfersOptions) {
    this.#options = options;
    const { sync, demandRoot } = options;
    this.coming = new ComingFiles(sync, { channel: newDownChannel(this.#cdn), demandRoot });
    this.#up = new Lanes(
      () => newUpChannel(this.#store),
      (batch, channel) => this.#send(batch, channel),
    );
    this.#down = new Lanes(
      () => newDownChannel(this.#cdn),
      (batch, channel) => this.#fetch(batch, channel),
    );
  }

  /** Whether nothing is on its way, and nothing is to be said of what was. */
  get isIdle(): boolean {
    return this.#onItsWay.size === 0 && this.#uploads.size === 0 && this.#failed.length === 0 && !this.#healing;
  }

  /** Whether something at this path is on its way, or was when it began. */
  holds(path: string): boolean {
    return this.#onItsWay.at(path) !== undefined || [...this.#uploads].some(({ paths }) => paths.has(path));
  }

  /** The network is another one: hosts that were away, or refused, may be there. */
  tryNow(): void {
    for (const gate of [this.#store, this.#cdn]) gate.tryNow();
    this.#storesAreBack();
  }

  /** Whether the store takes nothing for now. */
  get isRefused(): boolean {
    return this.#store.isClosed;
  }

  /** For what a round sends itself, because it holds no content. */
  get direct(): { readonly channel: UpChannel; readonly signal: AbortSignal } {
    return { channel: newUpChannel(this.#store), signal: this.#closed.signal };
  }

  get load(): Load {
    return this.#onItsWay.load;
  }

  get smallFiles(): number {
    return this.#onItsWay.smallFiles;
  }

  /** Takes over operations; their paths are planned again when there is news of them. */
  start(steps: readonly TransferStep[]): void {
    const { state, notices } = this.#options.sync;
    const started = steps.flatMap((step) => {
      const entry = (step.do === 'upload' ? state.trees.local : state.trees.remote).get(step.path);
      return entry ? [new Transfer(step, entry)] : [];
    });
    for (const transfer of started) {
      this.#onItsWay.add(transfer);
      notices.handOver(transfer.step.path);
    }
    this.#up.add(started.filter(({ step }) => step.do === 'upload'));
    this.#down.add(started.filter(({ step }) => step.do === 'download'));
  }

  /** Sends blocks that the service has lost. */
  heal(): void {
    this.#healing ??= heal(this.#options.sync, this.direct)
      .then(
        () => undefined,
        (error) => {
          // Asked for again with a later reading of the changes; what else is wrong with the service, the rounds notice.
          if (this.#closed.signal.aborted || error instanceof Unreachable || error instanceof ServiceError) return;
          this.#failed.push({ transfers: [], error });
        },
      )
      .finally(() => {
        this.#healing = undefined;
        this.#options.onNews();
      });
  }

  /** Notes what failed since the last time. Throws what concerns more than its paths. */
  noteFailures(): void {
    const { notices, failures } = this.#options.sync;
    const failed = this.#failed;
    this.#failed = [];
    let thrown: { readonly error: unknown } | undefined;
    for (const { transfers, error } of failed) {
      const wanted = transfers.filter((transfer) => this.#onItsWay.forget(transfer));
      const paths = wanted.map(({ step }) => step.path);
      notices.replan(...paths);
      if (error === undefined) continue;
      try {
        if (transfers.length === 0) throw error;
        failures.failEach(paths, error);
      } catch (concernsAll) {
        thrown ??= { error: concernsAll };
      }
    }
    if (thrown) throw thrown.error;
  }

  /** The paths to plan: of what has arrived, or of all that is on its way. */
  paths(all: boolean): string[] {
    if (all) return this.#onItsWay.paths;
    const sent = [...this.#uploads].flatMap((upload) => (upload.sent ? upload.transfers : []));
    const arrived = [...this.#onItsWay.fetched.keys(), ...sent.filter((transfer) => this.#onItsWay.has(transfer))];
    return arrived.map(({ step }) => step.path);
  }

  /**
   * Compares what is on its way with a new plan for these paths. What the plan does not want any more is given up.
   * Returns the operations that are still to be begun.
   */
  async review(operations: readonly Operation[], planned: ReadonlySet<string>): Promise<Operation[]> {
    const byPath = new Map(operations.map((operation) => [pathOf(operation), operation]));
    const given: Transfer[] = [];
    const { state, notices } = this.#options.sync;
    for (const path of planned) {
      const transfer = this.#onItsWay.at(path);
      if (!transfer) continue;
      if (transfer.serves(byPath.get(path), state.trees)) notices.handOver(path);
      else given.push(transfer);
    }
    for (const transfer of given) await this.#giveUp(transfer);
    await this.coming.makeWay(operations);
    return operations.filter((operation) => {
      const path = pathOf(operation);
      // Of two uploads for one path the second would find the first one's version.
      return !this.#onItsWay.at(path) && !(operation.do === 'upload' && this.holds(path));
    });
  }

  /** What is on its way. */
  entries(): Iterable<Content> {
    return this.#onItsWay.entries(this.#options.sync.state.trees);
  }

  /** Files that lie beside their places. `done` says that one was put there, or could not be. */
  get fetched(): Arrival<FetchedFile>[] {
    return [...this.#onItsWay.fetched].map(([transfer, what]) => {
      return { what, steps: [transfer.step], done: () => void this.#onItsWay.forget(transfer) };
    });
  }

  /** Uploads that can be committed: sent, and in no directory that is still to be committed itself. */
  get sent(): Arrival<SentUpload>[] {
    return [...this.#uploads].flatMap((upload) => {
      const { sent: what, transfers, paths } = upload;
      if (!what || [...paths].some((path) => this.#isInsideAnother(path, upload))) return [];
      const done = (): void => {
        this.#uploads.delete(upload);
        for (const transfer of transfers) this.#onItsWay.forget(transfer);
      };
      return [{ what, steps: transfers.map(({ step }) => step), done }];
    });
  }

  /** Gives up all that is on its way; resolves once nothing is done on the disk any more. */
  async close(): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#news);
    for (const transfer of [...this.#onItsWay.transfers]) await this.#giveUp(transfer);
    await this.coming.close();
  }

  /** Of one file of several in an upload, the upload goes on: what was sent of the others is not sent again. */
  async #giveUp(transfer: Transfer): Promise<void> {
    const { step, upload } = transfer;
    this.#onItsWay.forget(transfer);
    (step.do === 'upload' ? this.#up : this.#down).remove(transfer);
    transfer.end.abort();
    if (upload && !upload.transfers.some((other) => this.#onItsWay.has(other))) {
      upload.end.abort();
      this.#uploads.delete(upload);
    }
    await transfer.work.catch(() => undefined);
    if (transfer.fetched) await discard(transfer.fetched.beside.temporary);
  }

  #isInsideAnother(path: string, upload: OpenUpload): boolean {
    return ancestors(path).some((above) => {
      const other = this.#onItsWay.at(above);
      return other?.step.do === 'upload' && other.upload !== upload;
    });
  }

  async #send(transfers: readonly Transfer[], channel: UpChannel): Promise<void> {
    const upload = new OpenUpload(transfers);
    this.#uploads.add(upload);
    const signal = AbortSignal.any([upload.end.signal, this.#closed.signal]);
    const steps = transfers.flatMap(({ step }) => (step.do === 'upload' ? [step] : []));
    for (const transfer of transfers) transfer.begin(this.#options.sync.state.trees);
    try {
      await this.#options.demandRoot();
      upload.sent = await sendContent(this.#options.sync, steps, { channel, signal });
      if (!upload.sent) this.#fail(transfers, upload);
    } catch (error) {
      if (!signal.aborted) this.#fail(transfers, upload, error);
    }
    this.#options.onNews();
  }

  async #fetch(transfers: readonly Transfer[], channel: DownChannel): Promise<void> {
    const { signal } = this.#closed;
    const { trees } = this.#options.sync.state;
    const files = transfers.flatMap((transfer) => {
      const remote = transfer.begin(trees) as RemoteEntry | undefined;
      if (!remote) return [];
      const onBegin = (work: Promise<void>): void => {
        transfer.work = work;
      };
      const onFetched = (file: FetchedFile): void => {
        this.#onItsWay.arrived(transfer, file);
        this.#news ??= setTimeout(() => this.#tell(), TOGETHER_MS);
      };
      return [{ path: transfer.step.path, remote, signal: transfer.end.signal, onBegin, onFetched }];
    });
    let failure: { readonly error?: unknown } = {};
    try {
      await this.#options.demandRoot();
      await fetchFiles(this.#options.sync, files, { channel, begun: this.coming, signal });
    } catch (error) {
      failure = { error };
    }
    const left = transfers.filter(({ fetched, end }) => !fetched && !end.signal.aborted);
    if (left.length > 0 && !signal.aborted) this.#failed.push({ transfers: left, ...failure });
    this.#tell();
  }

  /** What waited for them is due at once. */
  #storesAreBack(): void {
    this.#options.sync.failures.retryNow('unavailable', 'store_refused');
    this.#options.onNews();
  }

  #fail(transfers: readonly Transfer[], upload: OpenUpload, error?: unknown): void {
    this.#uploads.delete(upload);
    this.#failed.push({ transfers, error });
  }

  #tell(): void {
    clearTimeout(this.#news);
    this.#news = undefined;
    this.#options.onNews();
  }
}
