import type { LocalEntry } from '../plan/tree.ts';

/** An entry that an upload offers, as it was on the disk. */
export interface OfferedItem {
  readonly path: string;
  readonly base_version: number;
  readonly local: LocalEntry;
}

/** A file that was renamed, and by what it is followed through further renames. */
export interface MovedItem {
  readonly from: string;
  readonly to: string;
  readonly base_version: number;
  readonly identity: string;
}

/** A directory that is renamed with all that is in it, and the recursive hash of what it is at the service. */
export interface WholeFolder {
  readonly from: string;
  readonly to: string;
  readonly base_version: number;
  readonly tree_hash: string;
}

/**
 * A call that commits, written down before it is sent: the id under which it may be repeated, and what it meant. It is
 * kept until its answer was taken over.
 */
export type Intent = {
  readonly id: string;
  /** The device that sent it; another one in its place cannot repeat it. */
  readonly device_id: string;
  /** In which its base versions are known; a repetition says the same, whatever was read since. */
  readonly timeline?: string | undefined;
} & (
  | { readonly call: 'finalize'; readonly items: readonly OfferedItem[] }
  | { readonly call: 'remove'; readonly files: readonly { readonly path: string; readonly base_version: number }[] }
  | { readonly call: 'move'; readonly moves: readonly MovedItem[]; readonly folder?: WholeFolder | undefined }
);

/** All paths that a call may change. */
export function pathsOfIntent(intent: Intent): string[] {
  if (intent.call === 'finalize') return intent.items.map(({ path }) => path);
  if (intent.call === 'remove') return intent.files.map(({ path }) => path);
  return intent.moves.flatMap(({ from, to }) => [from, to]);
}
