import type { CommitResult } from '../../protocol/commit.ts';
import type { Sync } from './context.ts';

/**
 * Takes over the cursors of this device's own commits. When they do not follow on the last one known, another device
 * was in between, and the changes have to be read.
 */
export function advanceCursor(
  { state, notices }: Pick<Sync, 'state' | 'notices'>,
  results: readonly CommitResult[],
): void {
  const cursors = results.flatMap((result) => ('cursor' in result ? [result.cursor] : []));
  let cursor = state.cursor;
  for (const next of cursors.sort((one, other) => one - other)) {
    if (next <= cursor) continue;
    if (next !== cursor + 1) {
      notices.readChanges();
      break;
    }
    cursor = next;
  }
  state.setFact('cursor', String(cursor));
}
