import type { Operation, Step } from '../plan/operation.ts';
import { type Content, isLeaf, type LocalEntry, type RemoteEntry, same, type Trees } from '../plan/tree.ts';
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

/** The local entry goes up, the remote one comes down. */
type Travelling = LocalEntry | RemoteEntry;

const nothing = Promise.resolve();

/** Content on its way, for one operation. */
export class Transfer {
  readonly step: TransferStep;
  readonly isLeaf: boolean;
  readonly bytes: number;
  readonly blocks: number;
  /** What it does on the disk, which ends soon after `end`. */
  work: Promise<unknown> = nothing;
  /** Of a download: what lies beside its place. */
  fetched: FetchedFile | undefined;
  /** Of an upload: the call that it is part of, with others. */
  upload: OpenUpload | undefined;
  #begun: Travelling | undefined;
  #end: AbortController | undefined;

  constructor(step: TransferStep, entry: Content) {
    this.step = step;
    this.isLeaf = isLeaf(entry);
    this.bytes = entry.size;
    this.blocks = entry.blocks.length;
  }

  /** Made when somebody asks: a million files may wait, and of some hundred at a time anything is begun. */
  get end(): AbortController {
    this.#end ??= new AbortController();
    return this.#end;
  }

  /** What travels: what was there when it began, and what is there while it waits. */
  entry(trees: Trees): Travelling | undefined {
    return this.#begun ?? this.#there(trees);
  }

  /** Moves what is there now, from here on. */
  begin(trees: Trees): Travelling | undefined {
    this.#begun = this.#there(trees);
    return this.#begun;
  }

  /** Whether it does what this operation asks for, of the same content. */
  serves(operation: Operation | undefined, trees: Trees): boolean {
    const [begun, there] = [this.#begun, this.#there(trees)];
    if (!there || operation?.do !== this.step.do || baseOf(operation) !== baseOf(this.step)) return false;
    // In the lane of its size what waits takes what is there by then.
    if (!begun) return there.size === this.bytes && there.blocks.length === this.blocks;
    return versionOf(begun) === versionOf(there) && same(begun, there);
  }

  #there({ local, remote }: Trees): Travelling | undefined {
    const there = (this.step.do === 'upload' ? local : remote).get(this.step.path);
    // A file that waited may have made room for a directory.
    return there && isLeaf(there) === this.isLeaf ? there : undefined;
  }
}

function baseOf(operation: Operation): number | undefined {
  return operation.do === 'upload' ? operation.base_version : undefined;
}

function versionOf(entry: Travelling): number | undefined {
  return 'version' in entry ? entry.version : undefined;
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
