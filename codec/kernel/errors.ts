/* What the kernel answers instead of a count; codec/delta-error.ts says it in words. */

/** A number, stream or table that no encoder writes. */
export const ERROR_MALFORMED: i32 = -1;
/** An instruction writes past the declared size. */
export const ERROR_OUTPUT: i32 = -2;
/** A COPY that is not inside the base. */
export const ERROR_COPY: i32 = -3;
/** More instructions than a block can need. */
export const ERROR_INSTRUCTIONS: i32 = -4;
/** The literals' streams do not yield as many bytes as the instructions take. */
export const ERROR_LITERALS: i32 = -5;
/** Bytes follow the end of the delta. */
export const ERROR_TRAILING: i32 = -6;
/** The corrections' streams hold more or less than the COPYs take. */
export const ERROR_CORRECTIONS: i32 = -7;
