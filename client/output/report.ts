/** The output: what a sync tells, for programs and for people. */

import type { Writable } from 'node:stream';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';

/** Takes what happens during a sync. */
export type Report = (event: SyncEvent) => void;

/** One line of JSON per event. */
export function jsonReport(output: Writable): Report {
  return (event) => void output.write(`${JSON.stringify(event)}\n`);
}
