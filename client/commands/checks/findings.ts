import type { Finding } from '../../../protocol/output/finding.ts';

type Check = Finding['check'];

/** What works. */
export function fine(check: Check, message: string): Finding {
  return { check, state: 'ok', message };
}

/** What could not be tried. */
export function skipped(check: Check, message: string): Finding {
  return { check, state: 'skipped', message };
}

/** What works, but not as it may be wanted. */
export function warning(check: Check, message: string, remedy: string): Finding {
  return { check, state: 'warning', message, remedy };
}

/** What does not work. */
export function failed(check: Check, message: string, remedy: string): Finding {
  return { check, state: 'failed', message, remedy };
}
