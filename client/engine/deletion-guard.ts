import { lstat, stat } from 'node:fs/promises';
import { ancestors } from '../../protocol/path.ts';
import { ClientError } from '../common/errors.ts';
import type { Operation, Step } from '../plan/operation.ts';
import { isLeaf, type SyncedEntry } from '../plan/tree.ts';
import { statePlace } from '../state/places.ts';

/** Deletions of fewer files need no question, whatever their share. */
const ASKED_FROM = 5;
/** Deletions that arrive within this time count together: emptying a large folder takes a while. */
const WINDOW_MS = 60_000;
/** So long do too many deletions wait while more is to be seen, ms: what is missing may come back, or under another name. */
const PATIENCE_MS = 30_000;

/** Stops a sync that is about to delete more than half of the files, and at least `ASKED_FROM`. */
export class DeletionGuard {
  readonly #allowed: boolean;
  #recent: { at: number; count: number }[] = [];
  /** Since when too many deletions wait. */
  #waitSince: number | undefined;

  constructor(allowed: boolean) {
    this.#allowed = allowed;
  }

  /**
   * What may be carried out of a plan: all of it, or while too many deletions wait what deletes nothing. Throws as `check`.
   * @param isRestless whether changes of the disk were noticed that nobody looked at yet
   */
  admit(
    operations: readonly Operation[],
    synced: ReadonlyMap<string, SyncedEntry>,
    isRestless: boolean,
    now = performance.now(),
  ): Operation[] {
    try {
      this.check(operations, synced, now);
    } catch (error) {
      this.#waitSince ??= now;
      if (!isRestless || now - this.#waitSince >= PATIENCE_MS) throw error;
      return operations.filter(({ do: what }) => what !== 'deleteLocal' && what !== 'deleteRemote');
    }
    this.#waitSince = undefined;
    return [...operations];
  }

  /** Throws `mass_delete` when the deletions of this plan and of the last minute are too many. */
  check(operations: readonly Operation[], synced: ReadonlyMap<string, SyncedEntry>, now = performance.now()): void {
    if (this.#allowed) return;
    const deletions = operations.filter(
      (operation): operation is Step<'deleteLocal'> | Step<'deleteRemote'> =>
        (operation.do === 'deleteLocal' || operation.do === 'deleteRemote') && isLeaf(synced.get(operation.path)),
    );
    this.#recent = this.#recent.filter(({ at }) => now - at < WINDOW_MS);
    const before = this.#recent.reduce((sum, { count }) => sum + count, 0);
    const count = before + deletions.length;
    if (deletions.length === 0 || count < ASKED_FROM) return;
    const files = before + synced.values().reduce((count, entry) => count + (isLeaf(entry) ? 1 : 0), 0);
    if (count * 2 <= files) return;
    const here = deletions.some((operation) => operation.do === 'deleteRemote');
    throw new ClientError(
      'mass_delete',
      `stopped: ${count} of ${files} files would be deleted ${here ? 'for all devices, because they are missing here' : 'here, because they were deleted on another device'}${whereMostAre(deletions.map(({ path }) => path))}. ` +
        'If that is right, sync again with --allow-mass-delete. If not, ' +
        (here
          ? 'put the files back, or sync again with --start-anew to have them downloaded again.'
          : "bring them back first: 'tidemark history PATH' and 'tidemark restore PATH --version N'."),
    );
  }

  /** Notes files that were deleted. */
  note(count: number, now = performance.now()): void {
    if (count > 0) this.#recent.push({ at: now, count });
  }
}

/** The innermost folder that more than half of the paths are in, in words; nothing when there is none. */
function whereMostAre(paths: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const folder of paths.flatMap(ancestors)) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  const most = [...counts].filter(([, count]) => count * 2 > paths.length).map(([folder]) => folder);
  const [innermost] = most.sort((one, other) => other.length - one.length);
  if (innermost === undefined) return '';
  return counts.get(innermost) === paths.length ? `; all are in ${innermost}` : `; most are in ${innermost}`;
}

/** A function that throws when the folder is missing, or is not the one that the sync was started on. */
export async function rootGuard(root: string): Promise<() => Promise<void>> {
  const place = statePlace(root);
  const [folder, state] = [await stat(root), await lstat(place)];
  return async () => {
    const now = await Promise.all([stat(root), lstat(place)]).catch(() => undefined);
    if (now && now[0].ino === folder.ino && now[1].ino === state.ino) return;
    throw new ClientError(
      'folder_missing',
      `stopped: ${root} is missing or was replaced, and nothing was deleted. Mount it or put it back, then sync again; ` +
        'if you moved it, give its new place: tidemark sync DIR.',
    );
  };
}
