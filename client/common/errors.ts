/** The common ground: errors, waits and small helpers that know nothing of syncing. */

import { constants } from 'node:os';
import { exitCode as common } from '../../cli/exit-code.ts';
import { messageOf } from '../../cli/reason.ts';

/** Exit codes of the `tidemark` command, also listed in its `--help`. */
export const exitCode = {
  ...common,
  sign_in: 3,
  guard: 4,
  unreachable: 5,
  incomplete: 6,
  /** As a shell reports a program that Ctrl-C ended. */
  interrupted: 130,
} as const;

export type ClientErrorCode =
  | 'not_signed_in'
  | 'sign_in_refused'
  | 'bad_service'
  | 'client_too_old'
  | 'update_refused'
  | 'unreachable'
  | 'folder_missing'
  | 'folder_replaced'
  | 'folder_busy'
  | 'folder_copied'
  | 'folder_unknown'
  | 'other_folder'
  | 'nested_folder'
  | 'other_account'
  | 'mass_delete'
  | 'unsafe_path'
  | 'state_damaged'
  | 'local_trouble'
  | 'incomplete'
  | 'paused'
  | 'no_background'
  | 'not_stored'
  | 'interrupted'
  | 'usage';

const exitCodes: Record<ClientErrorCode, number> = {
  not_signed_in: exitCode.sign_in,
  sign_in_refused: exitCode.sign_in,
  bad_service: exitCode.failure,
  client_too_old: exitCode.guard,
  update_refused: exitCode.failure,
  unreachable: exitCode.unreachable,
  folder_missing: exitCode.guard,
  folder_replaced: exitCode.guard,
  folder_busy: exitCode.failure,
  folder_copied: exitCode.usage,
  folder_unknown: exitCode.usage,
  other_folder: exitCode.usage,
  nested_folder: exitCode.usage,
  other_account: exitCode.usage,
  mass_delete: exitCode.guard,
  unsafe_path: exitCode.failure,
  state_damaged: exitCode.guard,
  local_trouble: exitCode.failure,
  incomplete: exitCode.incomplete,
  paused: exitCode.failure,
  no_background: exitCode.failure,
  not_stored: exitCode.guard,
  interrupted: exitCode.interrupted,
  usage: exitCode.usage,
};

/** A failure that the user can do something about; the message says what. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

/** Nothing can be synced for now because of this machine, not of one path: it is shown, and tried again later. */
export class LocalTrouble extends Error {
  override readonly name = 'LocalTrouble';
}

/** Why one file cannot be had now. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
  readonly code: 'not_found' | 'content_mismatch' | 'unavailable' | 'local' | 'store_refused';
  /** Milliseconds before which another attempt leads nowhere. */
  readonly after: number;

  constructor(code: FileRefused['code'], message: string, after = 0) {
    super(message);
    this.code = code;
    this.after = after;
  }
}

/** The code of a file system error (`ENOENT`, …), `undefined` for any other value. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  if (/^(E[A-Z0-9]+|UNKNOWN)$/.test(error.code)) return error.code;
  // Node has no name for some numbers, that of a quota which is used up among them.
  if (!error.code.startsWith('Unknown system error') || !('errno' in error)) return undefined;
  const known = Object.entries(constants.errno).find(([, number]) => number === Math.abs(Number(error.errno)));
  return known?.[0] ?? 'UNKNOWN';
}

/** Whether there is nothing of that name, or something above it is no directory. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
}

/** What the work answers; `undefined` where the system refuses it, for that on which nothing depends. */
export function quietly<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

const diskReasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'your quota on this disk is used up',
  EFBIG: 'the file is larger than this disk or your limits allow',
  EIO: 'the disk reports an error',
  EISDIR: 'a folder is where a file has to be',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long for this disk',
  ENOENT: 'it is missing',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file is where a folder has to be',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
};

/** A file system error in words, without paths: the same failure has the same words each time. */
export function diskReason(error: unknown): string {
  const code = systemCode(error);
  if (code === undefined) return messageOf(error);
  const words = diskReasons[code];
  return words === undefined ? code : `${words} (${code})`;
}
