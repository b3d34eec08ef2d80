import * as z from 'zod';

/** What a function that committed hands to relay: the shard whose outbox has events. The schedule names none. */
export const RelayRequest = z.object({ shard: z.int().min(0).max(63).optional() });
export type RelayRequest = z.infer<typeof RelayRequest>;
