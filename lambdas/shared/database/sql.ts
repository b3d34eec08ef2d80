import { limits } from '../../../protocol/limits.ts';

/** A timestamptz expression as milliseconds since 1970. */
export function ms(expression: string): string {
  return `(extract(epoch from ${expression}) * 1000)::int8`;
}

/**
 * Whether a path is another one, or lies below that; both are SQL expressions. '0' follows '/' in the byte order, so the
 * range holds exactly the paths that begin with `place/`.
 */
export function atOrBelow(path: string, place: string): string {
  return `(${path} = ${place}
    or (${path} > (${place} || '/') collate "C" and ${path} < (${place} || '0') collate "C"))`;
}

/** Hashes and other bytes as PostgreSQL reads them inside a JSON parameter. */
export function byteaText(hex: string): string {
  return `\\x${hex}`;
}

/** Blocks that one transaction of the sweep takes up: as many as one call may bring, which is known to be in time. */
const BLOCKS_PER_STEP = limits.blocksPerCall;

/**
 * The first rows of `rows`, a subquery with a column "block_hashes", in an order: as many as have no more blocks than a
 * transaction takes up in good time, and at least one.
 */
export function firstBlocks(rows: string, order: string): string {
  return `(select * from (
    select r.*, sum(cardinality(block_hashes)) over places as blocks, row_number() over places as place
    from (${rows}) r window places as (order by ${order})) r where blocks <= ${BLOCKS_PER_STEP} or place = 1)`;
}
