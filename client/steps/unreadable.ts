import type { Unreadable } from '../service/readable.ts';
import type { Sync } from './context.ts';

/**
 * Lists what of an answer could not be read, until it can, or is gone.
 *
 * @param settled paths of which more is known now than was listed
 */
export function listUnreadable(
  { state, report }: Pick<Sync, 'state' | 'report'>,
  unreadable: readonly Unreadable[],
  settled: ReadonlySet<string>,
): void {
  const listed = new Map([...state.unreadable].filter(([path]) => !settled.has(path)));
  for (const { path, reason } of unreadable) {
    const message = `the service has something here that this client cannot read (${reason}); rename it where it was made, or update the client`;
    if (state.unreadable.get(path) !== message) report({ event: 'error', code: 'not_synced', message, path });
    listed.set(path, message);
  }
  state.unreadable = listed;
}
