import * as z from 'zod';
import { Version } from '../numbers.ts';
import { Path } from '../path.ts';
import { Uuid } from '../uuid.ts';

/** Milliseconds since 1970. */
const Time = z.int();

/** A change that has reached the other side. */
const done = {
  path: Path,
  /** The version at the service. */
  version: Version,
  /** When it was committed at the service, or complete on this disk. */
  at: Time,
  /** With changes made here: when this device noticed the change. */
  noticed_at: Time.optional(),
  /** With changes that arrive here: the device that made the change, where that is known. */
  device_id: Uuid.optional(),
};

const transfer = {
  ...done,
  file_bytes: z.int(),
  /** Bytes of blocks and deltas that crossed the wire for this file. */
  content_bytes: z.int(),
};

/** Where a change was carried out: at the service, or on this disk. */
const side = z.enum(['local', 'remote']);

const progress = { path: Path, bytes: z.int(), file_bytes: z.int() };

/**
 * What happens during a sync: `tidemark sync --json` prints each as one line of JSON. Later versions may add
 * fields and events; those that are here stay.
 */
export const SyncEvent = z.discriminatedUnion('event', [
  /** A look at the disk: entries seen so far. `done` when the look is complete. */
  z.strictObject({ event: z.literal('scan'), files: z.int(), done: z.boolean() }),
  /** `body_bytes`: all request bodies for the file, its share of those that several files have in common included. */
  z.strictObject({ event: z.literal('uploaded'), ...transfer, body_bytes: z.int() }),
  z.strictObject({ event: z.literal('downloaded'), ...transfer }),
  z.strictObject({ event: z.literal('renamed'), ...done, from: Path, side }),
  z.strictObject({ event: z.literal('deleted'), ...done, side }),
  z.strictObject({ event: z.literal('directory'), ...done, side }),
  /** Both sides changed `original`; this device's content is now at `path`. */
  z.strictObject({ event: z.literal('conflict'), path: Path, original: Path, at: Time }),
  /** A folder is left out on this device: so many files were removed from its disk, and so many others stay there. */
  z.strictObject({ event: z.literal('excluded'), path: Path, files: z.int(), kept: z.int() }),
  /** What is about to be transferred: at most so many bytes of content, in so many files. */
  z.strictObject({ event: z.literal('transfers'), files: z.int(), bytes: z.int() }),
  /** A long transfer of one file to the other side: bytes so far. */
  z.strictObject({ event: z.literal('progress'), ...progress, side }),
  /** A long look at one file that changed: bytes so far. */
  z.strictObject({ event: z.literal('reading'), ...progress }),
  z.strictObject({ event: z.literal('online') }),
  z.strictObject({ event: z.literal('offline'), message: z.string() }),
  /** Nothing is synced until that time, milliseconds since 1970, while the connection is metered, or until it is told to go on. */
  z.strictObject({ event: z.literal('paused'), until: z.int().optional(), metered: z.literal(true).optional() }),
  z.strictObject({ event: z.literal('resumed') }),
  /** Changes are found by looking at intervals, because the system cannot watch the folder. */
  z.strictObject({ event: z.literal('degraded'), message: z.string() }),
  /** Something is not synced for now; without a path, nothing is. The path may be one that can never be synced. */
  z.strictObject({ event: z.literal('error'), code: z.string(), message: z.string(), path: z.string().optional() }),
  /** All that can be done now is done; `left_out` paths could not be synced, links and special files not counted. */
  z.strictObject({ event: z.literal('idle'), cursor: z.int().min(0), left_out: z.int() }),
]);
export type SyncEvent = z.infer<typeof SyncEvent>;
