import type { Entry } from '../../../protocol/entry.ts';

/** A version that is about to be made, for the statements of all tables that take part of it. */
export interface NewVersion {
  versionId: string;
  fileId: string;
  version: number;
  changeType: 'create' | 'update' | 'delete' | 'move';
  path: string;
  movedFrom?: string;
  kind: Entry['kind'];
  hashes: readonly string[];
  sizes: readonly number[];
  size: number;
  mtimeMs: number;
  mode: number;
}
