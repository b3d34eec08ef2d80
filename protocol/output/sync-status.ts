import * as z from 'zod';
import { Path } from '../path.ts';
import { Ended } from './ended.ts';

/** What `tidemark status --json` prints, as one line of JSON. Later versions may add fields. */
export const SyncStatus = z.strictObject({
  folder: z.string(),
  /** Absent before the first sync. */
  account: z.string().optional(),
  /** Absent when no device is signed in. */
  device: z.string().optional(),
  /** In sync: files, directories, and bytes of the files. */
  files: z.int(),
  directories: z.int(),
  bytes: z.int(),
  /** Of the last change that is known. */
  cursor: z.int().min(0),
  /** What differs as far as is known, and has no problem, with what is to be done there. */
  pending: z.array(z.strictObject({ do: z.string(), path: Path })),
  /** The path may be one that can never be synced. */
  problems: z.array(z.strictObject({ path: z.string(), message: z.string() })),
  /** What rules leave out, a directory for all that is in it: by which rule, where that stands, and whether it is on this disk. */
  left_out: z.array(z.strictObject({ path: z.string(), rule: z.string(), source: z.string(), here: z.boolean() })),
  /** Directories that were deleted elsewhere and stay here for what is not synced in them. */
  leftovers: z.array(Path),
  /** Whether a process syncs the folder now; what follows is what that process says, and absent when it says nothing. */
  running: z.boolean(),
  /** How the last one ended, while none runs. */
  ended: Ended.optional(),
  /** The folder is paused: what is pending waits for the end of that, milliseconds since 1970, for an unmetered connection, or for `tidemark resume`. */
  paused: z.strictObject({ until: z.int().optional(), metered: z.literal(true).optional() }).optional(),
  /** Bytes per second that this device may send and fetch, at which hours, and whether they hold now. */
  limits: z
    .strictObject({
      up: z.int().optional(),
      down: z.int().optional(),
      hours: z.strictObject({ from: z.string(), to: z.string() }).optional(),
      hold: z.boolean(),
    })
    .optional(),
  /** Since when the service does not answer, in milliseconds since 1970, and why: what is pending waits for it. */
  offline: z.strictObject({ since: z.int(), message: z.string() }).optional(),
  /** What of this machine lets nothing be synced, as a full disk does, and since when; also without such a process. */
  trouble: z.strictObject({ since: z.int().optional(), message: z.string() }).optional(),
  /** Long transfers: bytes so far, and when the last of them moved. One that has not for 20 s stalls. */
  transfers: z
    .array(
      z.strictObject({
        path: Path,
        bytes: z.int(),
        file_bytes: z.int(),
        /** Where it goes: to the service, or to this disk. */
        side: z.enum(['local', 'remote']),
        moved_at: z.int(),
        stalls: z.boolean(),
      }),
    )
    .optional(),
  /** All that moves now, files that move fast included: bytes so far, and in all. */
  moving: z.strictObject({ bytes: z.int(), of: z.int() }).optional(),
});
export type SyncStatus = z.infer<typeof SyncStatus>;
