import type { ItemError } from '../../../protocol/errors.ts';
import { itemError } from '../answers/errors.ts';
import type { Account } from '../tables/accounts.ts';

const setBack = itemError(
  'other_timeline',
  'the service was set back to a backup since this device read it: read the changes, then decide again',
);

/**
 * Why nothing of a call may commit: its base versions are of another timeline, where their numbers stood for other
 * content. Needs the account's lock.
 * @param known the timeline of the call; a client that has read nothing yet knows of none
 */
export function otherTimeline({ timeline }: Account, known: string | undefined): ItemError | undefined {
  return known === undefined || known === timeline ? undefined : setBack;
}
