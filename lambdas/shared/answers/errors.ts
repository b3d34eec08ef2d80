/* What a function may answer: typed errors, and no more than Lambda can return. */

import { type ErrorCode, errorStatus, type ItemError } from '../../../protocol/errors.ts';

/**
 * What a caller is told instead of an answer, whoever is to blame: its code decides the HTTP status, its message says
 * what to do.
 */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, details?: Record<string, unknown>, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return errorStatus[this.code];
  }
}

/** Characters of what a client sent that a message shows. */
const MAX_QUOTE = 200;

/** Text of a request as a message shows it: cut, so that no answer grows with what was sent. */
export function excerpt(text: string): string {
  return text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE).toWellFormed()}…` : text;
}

export function itemError(code: ErrorCode, message: string): ItemError {
  return { code, message };
}

/** The path's current version is not the one that the caller changed; 0 means that nothing is there. */
export function staleVersion(current: number): ItemError {
  const message =
    current === 0
      ? 'nothing is at this path now: read the changes, then decide again'
      : `the current version is ${current}: read the changes, then decide again`;
  return { code: 'stale_version', message, current_version: current };
}
