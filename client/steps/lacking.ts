import type { DownloadRequest } from '../../protocol/download.ts';
import { limits } from '../../protocol/limits.ts';
import type { RemoteEntry } from '../plan/tree.ts';
import type { Sync } from './context.ts';

export interface WantedFile {
  readonly path: string;
  readonly remote: RemoteEntry;
  /** The upload that is bringing it, as long as there is no such version. */
  readonly upload?: string | undefined;
  /** Whether a block of it is at the service; all are unless given. */
  isThere?(hash: string): boolean;
}

/** A file, and blocks of it whose URLs are wanted. */
export interface Lacking {
  readonly file: WantedFile;
  readonly lacks: string[];
}

export const countLacks = ({ lacks }: Lacking): number => lacks.length;

/** How blocks of a file are asked for, some of which may have arrived damaged. */
export function asked(
  state: Pick<Sync['state'], 'trees'>,
  { file, lacks }: Lacking,
  arrivedDamaged: ReadonlySet<string>,
): DownloadRequest['files'][number] {
  const damaged = lacks.filter((hash) => arrivedDamaged.has(hash)).slice(0, limits.damagedPerFile);
  return { ...nameOf(state, file), lacks, ...(damaged.length > 0 && { damaged }) };
}

/** What a file is asked for by: its version, and the one that this disk has if it missed some; or its upload. */
function nameOf(
  { trees }: Pick<Sync['state'], 'trees'>,
  { path, upload, remote: { version } }: WantedFile,
): Pick<DownloadRequest['files'][number], 'path' | 'upload' | 'version' | 'from'> {
  if (upload !== undefined) return { path, upload };
  const from = trees.synced.get(path)?.version ?? version;
  return { path, version, ...(from < version - 1 && { from }) };
}
