import type { Operation, Step } from '../plan/operation.ts';
import { type Content, type RemoteEntry, same, type Trees } from '../plan/tree.ts';
import type { FetchedFile } from '../steps/fetch-files.ts';
import type { SentUpload } from '../steps/upload.ts';

export type TransferStep = Step<'upload'> | Step<'download'>;

/** What needs one more step, and the operations that it belongs to. */
export interface Arrival<What> {
  readonly what: What;
  readonly steps: readonly TransferStep[];
  /** Says that the step was tried: this is not on its way any more. */
  readonly done: () => void;
}

const nothing = Promise.resolve();

/** Content on its way, for one operation. */
export class Transfer {
  readonly step: TransferStep;
  /** What travels: the local entry up, the remote one down. */
  readonly entry: Content;
  readonly bytes: number;
  readonly blocks: number;
  /** What it does on the disk, which ends soon after `end`. */
  work: Promise<unknown> = nothing;
  /** Of a download: what lies beside its place. */
  fetched: FetchedFile | undefined;
  /** Of an upload: the call that it is part of, with others. */
  upload: OpenUpload | undefined;
  #end: AbortController | undefined;

  constructor(step: TransferStep, entry: Content) {
    this.step = step;
    this.entry = entry;
    this.bytes = entry.size;
    this.blocks = entry.blocks.length;
  }

  /** Made when somebody asks: a million files may wait, and of some hundred at a time anything is begun. */
  get end(): AbortController {
    this.#end ??= new AbortController();
    return this.#end;
  }

  /** Whether it does what this operation asks for, of the same content. */
  serves(operation: Operation | undefined, { local, remote }: Trees): boolean {
    const { step, entry } = this;
    if (operation?.do === 'upload' && step.do === 'upload') {
      return operation.base_version === step.base_version && same(entry, local.get(step.path));
    }
    const there = remote.get(step.path);
    const isDownload = operation?.do === 'download' && step.do === 'download';
    return isDownload && there?.version === (entry as RemoteEntry).version && same(entry, there);
  }
}

/** An upload of several files, open or to be committed. */
export class OpenUpload {
  readonly transfers: readonly Transfer[];
  readonly paths: ReadonlySet<string>;
  readonly end = new AbortController();
  sent: SentUpload | undefined;

  constructor(transfers: readonly Transfer[]) {
    this.transfers = transfers;
    this.paths = new Set(transfers.map(({ step }) => step.path));
    for (const transfer of transfers) transfer.upload = this;
  }
}
