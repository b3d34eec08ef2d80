import * as z from 'zod';

/** SHA-256 of a block, as 64 lower-case hexadecimal digits. */
export const Hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits (SHA-256)');
