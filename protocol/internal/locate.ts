import type { DownloadRequest, DownloadResponse } from '../download.ts';
import type { ErrorBody, ItemError } from '../errors.ts';
import type { SignIn } from './sign-in.ts';

/** What download hands to locate: the user and the sign-in of the verified token, and the checked request. */
export interface LocateRequest {
  userId: string;
  signIn: SignIn;
  request: DownloadRequest;
}

/** Either half says so of a file, the one of the blocks and the other of the bytes. */
export const tooMuch: ItemError = {
  code: 'limit_exceeded',
  message: 'too many blocks for one answer: ask again for this file, with fewer `lacks`',
};

/** A block as caches know it: by its hash and, where that is not enough, by the name of an entry. */
export interface CacheEntry {
  readonly hash: string;
  readonly entry?: string;
}

/** The files, the distinct blocks and packs to sign URLs for, deltas, and where others have their contents; or the error to pass on. */
export type Located =
  | (Pick<DownloadResponse, 'files' | 'contents' | 'packed' | 'deltas'> & { sign: CacheEntry[] })
  | { error: ErrorBody };
