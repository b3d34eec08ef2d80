import * as z from 'zod';

/** When, in milliseconds since 1970, and why a sync ended that only a person can have going on, as after its device was revoked. */
export const Ended = z.strictObject({ at: z.int(), code: z.string(), message: z.string() });
export type Ended = z.infer<typeof Ended>;
