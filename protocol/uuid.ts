import * as z from 'zod';

/** An id that one side chose. Lower case from here on, so that equal ids are equal strings. */
export const Uuid = z.uuid().toLowerCase();
