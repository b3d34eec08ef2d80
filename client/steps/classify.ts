import type { ErrorCode } from '../../protocol/errors.ts';
import { ClientError, diskReason, FileRefused, systemCode } from '../common/errors.ts';
import { DiskChanged } from '../disk/stamps.ts';
import { ServiceError, StoreUnreachable, Unreachable } from '../service/errors.ts';
import { meaningOf } from './refusals.ts';

/** Codes of failures of one path: the service's, two of this device, and what lies between it and the store. */
export type FailureCode = ErrorCode | 'local' | 'disk_changed' | 'store_refused';

/** What a failure of a step says of its paths. */
export type Verdict =
  /** They cannot be synced for now. */
  | { readonly concerns: 'path'; readonly code: FailureCode; readonly message: string; readonly after?: number }
  /** Nor is the disk there what it was taken for. */
  | { readonly concerns: 'look-again'; readonly code: FailureCode; readonly message: string }
  /** Nothing: no path can be synced. */
  | { readonly concerns: 'sync' };

/** What an error of a step concerns. */
export function classify(error: unknown): Verdict {
  if (error instanceof DiskChanged || systemCode(error) === 'ENOENT') {
    const message = 'it changes all the time; it follows once it rests';
    return { concerns: 'look-again', code: 'disk_changed', message };
  }
  if (systemCode(error) !== undefined) return { concerns: 'look-again', code: 'local', message: diskReason(error) };
  if (error instanceof FileRefused) {
    return { concerns: 'path', code: error.code, message: error.message, after: error.after };
  }
  if (error instanceof ClientError && error.code === 'unsafe_path') {
    return { concerns: 'path', code: 'local', message: error.message };
  }
  if (error instanceof StoreUnreachable) {
    return { concerns: 'path', code: 'unavailable', message: error.message, after: error.after };
  }
  if (error instanceof ServiceError && !endsSignIn(error)) {
    return { concerns: 'path', code: error.code, message: error.message };
  }
  return { concerns: 'sync' };
}

/** Whether this device may no longer talk to the service. */
export function endsSignIn({ code }: ServiceError): boolean {
  return meaningOf(code) === 'end';
}

/**
 * Whether waiting may help a call that concerns no path: the service is away or broken, or does not take the call as it
 * is, for as long as one of both is older than the other.
 */
export function isOutage(error: unknown): error is Error {
  return error instanceof Unreachable || (error instanceof ServiceError && !endsSignIn(error));
}
