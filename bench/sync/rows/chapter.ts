/** How much there is of everything. */
export interface Sizes {
  readonly files: number;
  readonly deleted: number;
  readonly saves: number;
  /** Bytes of the large file. */
  readonly large: number;
  /** Bytes of the log. */
  readonly log: number;
  /** Rows of the database. */
  readonly records: number;
}

/** Where changes are made. */
export interface Place {
  /** The first of the synced folders. */
  readonly folder: string;
  /** On the same disk, for what is moved into the folder as a whole; it stays for all steps of a chapter. */
  readonly staging: string;
  readonly sizes: Sizes;
}

/** A change, measured from its beginning until the other folder holds it. */
export interface Step {
  readonly id: string;
  what(sizes: Sizes): string;
  /** Makes what is needed for it, outside of the folder; not measured. */
  prepare?(place: Place): Promise<void>;
  /** Makes the change, in as little time as can be. */
  change(place: Place): Promise<void>;
  /** It is made so often, and the figures are of one of them: the median, and the worst. */
  times?(sizes: Sizes): number;
  /** Only what a later step changes. */
  readonly ground?: true;
}

/** Steps in folders of their own, one on top of the other. */
export interface Chapter {
  readonly id: string;
  readonly table: 'many files' | 'large files';
  /** Files of packages that are not there on every platform. */
  readonly needs?: readonly string[];
  readonly steps: readonly Step[];
}
