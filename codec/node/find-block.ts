/* Finds blocks of an old version in a file again, wherever they lie by now. */
import { hash } from 'node:crypto';
import { BLOCK_BYTES } from '../blocks.ts';
import { type OldBlock, readFully, readOld } from './segment.ts';
import { HEAD_BYTES } from './sketch.ts';

/** A block of the old version. */
interface SoughtBlock {
  readonly number: number;
  /** SHA-256 in lower-case hex. */
  readonly hash: string;
  readonly place: OldBlock;
}

export interface Search {
  /** Descriptor of the file. */
  readonly file: number;
  /** Where in the file all of the block has to lie. */
  readonly from: number;
  readonly to: number;
  readonly sought: readonly SoughtBlock[];
}

export interface FoundBlock {
  readonly number: number;
  readonly offset: number;
}

/** Bytes by which a block is found. */
const ANCHOR_BYTES = 64;
/** A block is looked for so far on. */
const REACH = 4 * BLOCK_BYTES;
/** Bytes that are searched in one go. */
const PIECE_BYTES = 1024 * 1024;
/** Places of one block's anchor that turn out to be something else: such content has it again and again. */
const MOST_WRONG = 4;

let piece: Buffer | undefined;
let block: Buffer | undefined;

/**
 * The first of these blocks that the file has, by some of its bytes, which are searched for, and then by its hash. Those
 * that cannot be read, or begin with a pattern that repeats, are passed over.
 *
 * @throws what reading the file throws
 */
export function findBlock({ file, from, to, sought }: Search): FoundBlock | undefined {
  for (const { number, hash, place } of sought) {
    const anchor = anchorOf(place);
    const offset = anchor && offsetOf({ ...anchor, hash, size: place.size }, { file, from, to });
    if (offset !== undefined) return { number, offset };
  }
  return undefined;
}

interface Anchor {
  readonly bytes: Buffer;
  /** Where in the block. */
  readonly at: number;
}

function anchorOf(place: OldBlock): Anchor | undefined {
  const head = Buffer.allocUnsafe(Math.min(place.size, HEAD_BYTES));
  if (readOld({ ...place, size: head.length }, head, 0) === 0) return undefined;
  for (let at = 0; at + ANCHOR_BYTES <= head.length; at += ANCHOR_BYTES) {
    const bytes = head.subarray(at, at + ANCHOR_BYTES);
    if (!repeats(bytes)) return { bytes, at };
  }
  return undefined;
}

/** Whether its first half comes again in it. */
function repeats(bytes: Buffer): boolean {
  return bytes.indexOf(bytes.subarray(0, bytes.length / 2), 1) >= 0;
}

function offsetOf(
  { bytes, at, hash, size }: Anchor & { readonly hash: string; readonly size: number },
  { file, from, to }: Omit<Search, 'sought'>,
): number | undefined {
  piece ??= Buffer.allocUnsafeSlow(PIECE_BYTES);
  const last = Math.min(to - size, from + REACH) + at;
  let wrong = 0;
  for (let begin = from + at; begin <= last; begin += PIECE_BYTES - ANCHOR_BYTES + 1) {
    const length = Math.min(PIECE_BYTES, last + ANCHOR_BYTES - begin);
    const part = piece.subarray(0, readFully(file, piece, 0, length, begin));
    for (let found = part.indexOf(bytes); found >= 0; found = part.indexOf(bytes, found + 1)) {
      const offset = begin + found - at;
      if (hashAt(file, offset, size) === hash) return offset;
      if (++wrong === MOST_WRONG) return undefined;
    }
  }
  return undefined;
}

function hashAt(file: number, offset: number, size: number): string {
  block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
  return hash('sha256', block.subarray(0, readFully(file, block, 0, size, offset)), 'hex');
}
