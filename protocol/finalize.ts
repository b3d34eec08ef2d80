import * as z from 'zod';
import { Timeline } from './timeline.ts';
import { Uuid } from './uuid.ts';

/**
 * POST /finalize: makes every file of the upload visible, each by compare-and-swap on its base version.
 * Answers `CommitResponse`; a retry with the same `upload_id` changes nothing and answers the same.
 */
export const FinalizeRequest = z.strictObject({ upload_id: Uuid, device_id: Uuid, timeline: Timeline });
export type FinalizeRequest = z.infer<typeof FinalizeRequest>;
