import { Uuid } from './uuid.ts';

/**
 * Which sequence of changes a cursor and a version count in: another one once the service was set back to a backup, since
 * what a device has read may never have happened there. A call that commits names the one that its base versions are of.
 */
export const Timeline = Uuid.optional();
