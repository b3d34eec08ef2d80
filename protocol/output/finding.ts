import * as z from 'zod';

/** A line of `tidemark doctor --json`. Later versions may add fields and checks. */
export const Finding = z.strictObject({
  /** What was looked at. */
  check: z.enum([
    'version',
    'sign-in',
    'service',
    'clock',
    'store',
    'cdn',
    'socket',
    'folder',
    'disk',
    'watches',
    'sync',
  ]),
  /** `warning`: it works, or will for a while; `skipped`: it could not be tried, because of another finding or for lack of something to try. */
  state: z.enum(['ok', 'warning', 'failed', 'skipped']),
  /** In words. */
  message: z.string(),
  /** What to do. */
  remedy: z.string().optional(),
});
export type Finding = z.infer<typeof Finding>;
