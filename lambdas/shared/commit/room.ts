import { formatBytes } from '../../../protocol/bytes.ts';
import type { ItemError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { itemError } from '../answers/errors.ts';
import type { Account } from '../tables/accounts.ts';

/** What a change takes, or what is left to take. */
export interface Room {
  /** Bytes of live files and open uploads: what the quota counts. */
  quota: number;
  /** Bytes that are kept: history and lost uploads too, see `keptBytes`. */
  kept: number;
  /** Files and directories of the tree. */
  entries: number;
}

/** What a block, a version, a directory or an offered file counts in what is kept: the row that names it is not free. */
export function keptBytes(bytes: number): number {
  return Math.max(bytes, limits.countedBytes);
}

/**
 * What an account has left, less than nothing where a limit was lowered.
 * @param quota of this user, in bytes
 */
export function roomOf(account: Account, quota: number): Room {
  return {
    quota: quota - account.used_bytes - account.reserved_bytes,
    kept: limits.keptQuotas * quota + limits.keptAllowance - account.kept_bytes,
    entries: limits.entriesPerUser - account.entries,
  };
}

/** Takes `need` off the room; or says why it does not fit, and takes nothing. What needs nothing always fits. */
export function take(room: Room, need: Room): ItemError | undefined {
  const error = refusal(room, need);
  if (error) return error;
  room.quota -= need.quota;
  room.kept -= need.kept;
  room.entries -= need.entries;
  return undefined;
}

function refusal(room: Room, need: Room): ItemError | undefined {
  const lacks = (what: keyof Room) => need[what] > 0 && need[what] > room[what];
  if (lacks('quota')) {
    return itemError(
      'quota_exceeded',
      `needs ${formatBytes(need.quota)}, ${formatBytes(Math.max(0, room.quota))} of your quota are free: delete files, or ask for a larger quota`,
    );
  }
  if (lacks('kept')) {
    return itemError(
      'quota_exceeded',
      `earlier versions and uploads take all the space that is kept for them: wait until some are ${limits.historyDays} days old, or ask for a larger quota`,
    );
  }
  if (lacks('entries')) {
    return itemError(
      'limit_exceeded',
      `a user has at most ${limits.entriesPerUser.toLocaleString('en')} files and directories: delete some first`,
    );
  }
  return undefined;
}
