export type MoveOperation =
  /**
   * The user renamed `from`, or the directory above it: one metadata commit. What this disk still has under older names,
   * `origins`, is planned after it.
   */
  | {
      readonly do: 'moveRemote';
      readonly from: string;
      readonly to: string;
      readonly base_version: number;
      readonly origins?: readonly string[];
    }
  /**
   * Another device renamed `from`: follow it on the disk, without a download. A directory takes along all that is in it;
   * what has to do with that, `others`, is planned after it.
   */
  | { readonly do: 'moveLocal'; readonly from: string; readonly to: string; readonly others?: readonly string[] };

/**
 * One step towards equal trees. A step that finds the world changed does nothing; the next plan decides anew. A
 * deletion that `makesRoom` removes a file where the other side has a directory, before anything is put into that; an
 * upload or download that does makes a directory into which something is moved.
 */
export type Operation =
  /** Both sides hold the same: write it down as agreed. */
  | { readonly do: 'adopt'; readonly path: string }
  /** Gone on both sides. */
  | { readonly do: 'forget'; readonly path: string }
  | MoveOperation
  /** Rename the local entry out of the way; `to` is then uploaded as a new file. */
  | { readonly do: 'setAside'; readonly path: string; readonly to: string }
  /** Give the file on the disk the permissions that both sides come to; its content is uploaded by the next plan. */
  | { readonly do: 'setMode'; readonly path: string; readonly mode: number }
  /** Bring the disk to the remote entry: content, directory, and the permissions that both sides come to. */
  | { readonly do: 'download'; readonly path: string; readonly makesRoom?: true }
  | { readonly do: 'deleteLocal'; readonly path: string; readonly makesRoom?: true }
  | { readonly do: 'upload'; readonly path: string; readonly base_version: number; readonly makesRoom?: true }
  | { readonly do: 'deleteRemote'; readonly path: string; readonly base_version: number; readonly makesRoom?: true };

/** The operations of one kind. */
export type Step<Kind extends Operation['do']> = Extract<Operation, { do: Kind }>;

/** The path at which an operation's result lies. */
export function pathOf(operation: Operation): string {
  return 'path' in operation ? operation.path : operation.to;
}

/** All paths that an operation concerns. */
export function pathsOf(operation: Operation): string[] {
  if ('path' in operation) return [operation.path];
  const origins = operation.do === 'moveRemote' ? (operation.origins ?? []) : [];
  return [operation.from, operation.to, ...origins];
}

/** The paths of what is left to the plan after this one because of an operation. */
export function othersOf(operation: Operation): readonly string[] {
  return operation.do === 'moveLocal' ? (operation.others ?? []) : [];
}
