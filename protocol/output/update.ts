import * as z from 'zod';
import { Version } from '../client-release.ts';

/** What `tidemark update --json` prints, as one line of JSON. Later versions may add fields. */
export const Update = z.strictObject({
  from: Version,
  /** What the service gives. */
  to: Version,
  /** Whether the program was replaced. */
  updated: z.boolean(),
  /** Whether a sync in the background was started again. */
  restarted: z.boolean(),
});
export type Update = z.infer<typeof Update>;
