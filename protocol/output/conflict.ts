import * as z from 'zod';
import { Kind } from '../entry.ts';

/** A line of `tidemark conflicts --json`: what there are conflict copies of. Later versions may add fields. */
export const Conflict = z.strictObject({
  /** Where the winning side lies, or lay. */
  path: z.string(),
  copies: z.array(
    z.strictObject({
      path: z.string(),
      kind: Kind,
      /** Bytes. */
      size: z.int(),
      /** Milliseconds since 1970. */
      mtime_ms: z.int(),
    }),
  ),
});
export type Conflict = z.infer<typeof Conflict>;
