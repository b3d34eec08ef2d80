import * as z from 'zod';

/** What `tidemark service … --json` prints, as one line of JSON. Later versions may add fields. */
export const ServiceStatus = z.strictObject({
  /** By which the system knows it. */
  name: z.string(),
  installed: z.boolean(),
  /** What the system says of it, as far as that can be read. */
  state: z.string().optional(),
  /** The folder that it syncs, and whether any process does so now. */
  folder: z.string().optional(),
  running: z.boolean(),
  /** When and why the last process ended that only a person can have going on, as after the device was revoked. */
  ended: z.strictObject({ at: z.int(), code: z.string(), message: z.string() }).optional(),
  /** The file that tells the system of it. */
  definition: z.string(),
  /** The file with what it says; absent where the system keeps that. */
  log: z.string().optional(),
});
export type ServiceStatus = z.infer<typeof ServiceStatus>;
