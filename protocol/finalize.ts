import { z } from 'zod';

/**
 * POST /finalize: makes every file of the session visible, each by compare-and-swap on its base version.
 * Answers `CommitResponse`; a retry with the same `upload_id` changes nothing and answers the same.
 */
export const FinalizeRequest = z.strictObject({ upload_id: z.uuid(), device_id: z.uuid() });
export type FinalizeRequest = z.infer<typeof FinalizeRequest>;
