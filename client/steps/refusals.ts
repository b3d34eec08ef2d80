import type { ErrorCode } from '../../protocol/errors.ts';

/** What a refusal of the service means for this device. */
export type Meaning =
  /** Its picture of the service is old: the changes are read, and what was to be done is planned anew. */
  | 'outdated'
  /** The service cannot now, and does not say whether the call was carried out: it is repeated later. */
  | 'wait'
  /** Nothing was done, nor will be before something else changes: the user is told, and it is tried again later. */
  | 'tell'
  /** The user has to do something first, and the message says what. */
  | 'ask'
  /** This device may no longer talk to the service: the sync ends. */
  | 'end';

/**
 * The meaning of every code, for a call as a whole and for one item of it. What a call makes of one is part of its step:
 * a rename that is refused travels as a new file and a deletion, a cursor that is gone has the tree read, and a directory
 * that is gone while the tree is read is passed over.
 */
const meanings: Readonly<Record<ErrorCode, Meaning>> = {
  bad_request: 'tell',
  limit_exceeded: 'tell',
  content_mismatch: 'tell',
  bad_delta: 'tell',
  unauthorized: 'end',
  client_too_old: 'end',
  device_revoked: 'end',
  device_unknown: 'end',
  fresh_sign_in_required: 'ask',
  too_many_devices: 'ask',
  quota_exceeded: 'tell',
  route_unknown: 'wait',
  not_found: 'outdated',
  method_not_allowed: 'wait',
  stale_version: 'outdated',
  other_timeline: 'outdated',
  path_conflict: 'outdated',
  upload_gone: 'outdated',
  cursor_gone: 'outdated',
  body_too_large: 'tell',
  unsupported_media_type: 'tell',
  blocks_missing: 'outdated',
  throttled: 'wait',
  internal: 'wait',
  unavailable: 'wait',
};

export function meaningOf(code: ErrorCode): Meaning {
  return meanings[code];
}

/** Whether a refusal says that the call was not carried out, and will not be under its id. */
export function isFinal(code: ErrorCode): boolean {
  return meanings[code] !== 'wait' && meanings[code] !== 'end';
}
