import * as z from 'zod';
import { Attributes } from './entry.ts';
import { limits } from './limits.ts';
import { inQuery, pageLimit, Version } from './numbers.ts';
import { Path } from './path.ts';
import { Uuid } from './uuid.ts';

/**
 * GET /compare?at=MS&path=P: how a file, or a directory with all in it, or without `path` the whole tree, differs today
 * from a moment of the last 30 days. What differs can be brought back with /delete and /restore.
 */
export const CompareQuery = z.strictObject({
  device_id: Uuid,
  /** Milliseconds since 1970, by the database's clock. */
  at: inQuery(z.int().min(0)),
  path: Path.optional(),
  /** The last path of the previous page. */
  after: Path.optional(),
  limit: pageLimit(limits.differencesPerPage),
});
export type CompareQuery = z.infer<typeof CompareQuery>;

const Side = Attributes.omit({ path: true }).extend({ version: Version });

/** One path at which something else is now than was then; at least one side is present. */
export const Difference = z.strictObject({ path: Path, now: Side.optional(), before: Side.optional() });
export type Difference = z.infer<typeof Difference>;

export const CompareResponse = z.strictObject({
  /** By path, in the order of the UTF-8 bytes. */
  differences: z.array(Difference),
  more: z.boolean(),
});
export type CompareResponse = z.infer<typeof CompareResponse>;
