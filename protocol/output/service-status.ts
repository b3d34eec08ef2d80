import * as z from 'zod';
import { Ended } from './ended.ts';

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
  /** How the last process ended, while none runs. */
  ended: Ended.optional(),
  /** The file that tells the system of it. */
  definition: z.string(),
  /** The file with what it says; absent where the system keeps that. */
  log: z.string().optional(),
});
export type ServiceStatus = z.infer<typeof ServiceStatus>;
