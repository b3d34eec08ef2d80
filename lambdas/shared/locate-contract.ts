import type { DownloadRequest, DownloadResponse } from '../../protocol/download.ts';
import type { ErrorBody } from '../../protocol/errors.ts';

/** What download hands to locate: the user of the verified token, and the checked request. */
export interface LocateRequest {
  userId: string;
  request: DownloadRequest;
}

/** The files, and the distinct blocks to sign URLs for; or the error to pass on. */
export type Located = { files: DownloadResponse['files']; sign: string[] } | { error: ErrorBody };
