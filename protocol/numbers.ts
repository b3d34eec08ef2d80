import * as z from 'zod';

/** PostgreSQL's `integer`. */
const MAX_INT4 = 2 ** 31 - 1;

/** A version number at a path. */
export const Version = z.int().min(1).max(MAX_INT4);

/** The version that a change replaces: 0 where nothing is known at the path. */
export const BaseVersion = z.int().min(0).max(MAX_INT4);

/** The number of a change in the user's sequence. Like every `z.int()` it ends at 2^53 - 1, within `bigint`. */
export const Cursor = z.int().min(1);

/** Of a directory that moved with all that is in it: how many changes that is, its own and those that follow. */
export const MovedEntries = z.int().min(1);

/** A whole number of a query: decimal digits, and nothing else that JavaScript takes for a number. */
export function inQuery<Schema extends z.ZodType<number>>(schema: Schema) {
  return z.preprocess((text) => (typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : text), schema);
}

/** How many items a page may have: as many as there can be unless the query says fewer. */
export function pageLimit(most: number) {
  return inQuery(z.int().min(1).max(most)).default(most);
}
