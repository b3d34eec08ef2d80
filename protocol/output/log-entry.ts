import * as z from 'zod';
import { SyncEvent } from './sync-event.ts';

/** A line of `tidemark log --json`: what happened in a synced folder, and when. Later versions may add fields. */
export const LogEntry = z.strictObject({
  /** Milliseconds since 1970. */
  at: z.int(),
  /** As `tidemark sync --json` told it then. */
  happened: SyncEvent,
  /** The name of the device that made a change which arrived here, where it is known. */
  device: z.string().optional(),
});
export type LogEntry = z.infer<typeof LogEntry>;
