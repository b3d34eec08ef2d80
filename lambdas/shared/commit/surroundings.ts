import type { ItemError } from '../../../protocol/errors.ts';
import type { Namespace } from '../database/rows.ts';
import type { Account } from '../tables/accounts.ts';
import { findTargets, type Kind, type Target } from '../tables/files.ts';
import { pathConflicts } from './path-rules.ts';

/** What is at paths and around them. */
export interface Surroundings {
  readonly targets: ReadonlyMap<string, Target>;
  /** Why new paths cannot be, see `pathConflicts`. */
  readonly conflicts: ReadonlyMap<string, ItemError>;
}

/** `Surroundings` as they were under the account's lock, after a change. */
export interface Seen extends Surroundings {
  readonly after: Pick<Account, 'timeline' | 'change_seq'>;
}

/** Looks at where new versions are to come. */
export async function lookAround(
  namespace: Namespace,
  files: readonly { path: string; kind: Kind; baseVersion: number }[],
): Promise<Surroundings> {
  const targets = await findTargets(
    namespace,
    files.map(({ path }) => path),
  );
  const appearing = files.filter(({ path, baseVersion }) => {
    const target = targets.get(path)!;
    return target.file_id === null && baseVersion === (target.version ?? 0);
  });
  return { targets, conflicts: await pathConflicts(namespace, appearing) };
}

/**
 * Whether the tree is still as it was seen: each change of it has a number. What is collected meanwhile was deleted, and
 * makes room for nothing. Needs the account's lock.
 */
export function isAsSeen({ after }: Seen, account: Account): boolean {
  return after.change_seq === account.change_seq && after.timeline === account.timeline;
}
