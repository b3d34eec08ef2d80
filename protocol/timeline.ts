import { Uuid } from './uuid.ts';

/**
 * Which sequence of changes a cursor counts in: another one once the service was set back to a backup, since what a
 * device has read may never have happened there.
 */
export const Timeline = Uuid.optional();
