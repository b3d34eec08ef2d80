import type { BigIntStats } from 'node:fs';
import type { FilePool } from '../../codec/node/file-pool.ts';
import type { Content, LocalEntry } from '../plan/tree.ts';
import type { OldVersion } from './hash-edited.ts';
import type { Hashed, OnSketch } from './hash-file.ts';
import type { Ignores } from './ignore.ts';

/** Reads files beside the looks. */
export interface ReadsBeside {
  /** Whether the file at a path is being read, or was and no look took that. */
  has(path: string): boolean;
  /** What is in a file, once that was read; `undefined` while it is. */
  read(
    path: string,
    stats: BigIntStats,
    read: () => Promise<Hashed | undefined>,
  ): Promise<Hashed | undefined> | undefined;
}

export interface ScanOptions {
  readonly root: string;
  readonly folderId: string;
  readonly ignores: Ignores;
  /** Hashes files. */
  readonly pool: FilePool;
  /** What was known of the disk. */
  readonly known: ReadonlyMap<string, LocalEntry>;
  /** Called before a directory is read, so that a watch misses nothing. */
  readonly onDirectory?: (path: string) => void;
  readonly onProgress?: (entries: number) => void;
  /** Returns what is told of the bytes of a file as they are read. */
  readonly onReading?: (path: string, fileBytes: number) => (bytes: number) => void;
  /** Whether new content of a known file is left for later. */
  readonly postpones?: (path: string) => boolean;
  /** Where the content of an old block still lies, if anywhere. */
  readonly placeOf?: OldVersion['placeOf'];
  /** Takes sketches of what is new and large. */
  readonly onSketch?: OnSketch;
  /** Reads what would hold a look up; without it, a look reads all itself. */
  readonly beside?: ReadsBeside;
  /** Where to copy a file before it is read, if anywhere. */
  readonly copyTo?: (path: string) => Promise<string | undefined>;
  /** Removes what an interrupted run left behind. */
  readonly removeTemporary?: boolean;
  /** Where the configuration lies, if in this folder. */
  readonly apart?: ReadonlySet<string>;
  /** Paths that may lie here; those that the disk answers to and spells otherwise become `twins`. */
  readonly suspects?: Iterable<string>;
  /** How directories are spelled, from earlier calls; the disk may have changed since. */
  readonly spelled?: Map<string, Promise<string | undefined>>;
  /** The known entry with this hint, wherever it lay. */
  readonly byHint?: (hint: string) => LocalEntry | undefined;
  /** What the file with this identity held when both sides agreed on it, wherever it lay. */
  readonly byIdentity?: (identity: string) => Content | undefined;
}
