import * as z from 'zod';
import { Version } from '../numbers.ts';

/** What `tidemark explain PATH --json` prints, as one line of JSON. Later versions may add fields. */
export const Explanation = z.strictObject({
  /** In the synced folder; it may be one that can never be synced. */
  path: z.string(),
  state: z.enum(['synced', 'waiting', 'moving', 'problem', 'ignored', 'kept', 'own', 'unseen', 'absent']),
  /** In words. */
  message: z.string(),
  /** That both sides agreed on last. */
  version: Version.optional(),
  /** That leaves it out, and where that stands. */
  rule: z.string().optional(),
  source: z.string().optional(),
});
export type Explanation = z.infer<typeof Explanation>;
