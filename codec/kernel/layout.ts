/*
 * The kernel's memory, in bytes. Everything has a fixed place, so no call allocates, and 64 bytes of slack follow each
 * region for vector loops that read or write past an end.
 */

const MIB: i32 = 1 << 20;
const SLACK: i32 = 64;

export const MAX_TARGET: i32 = 4 * MIB;
/** A block and its two neighbours. */
export const MAX_BASE: i32 = 3 * MAX_TARGET;
export const MAX_DELTA: i32 = MAX_TARGET + MIB;
/** A COPY that the search makes has 8 bytes or more, or belongs to a line of 12: never more than MAX_TARGET / 8. */
export const MAX_OPS: i32 = 1 << 19;
/** Bytes of the base that the literals' compressor may refer to. */
export const MAX_DICTIONARY: i32 = 1 << 18;

/** Numbers that the last delta left: where its body is, and the work of the searches in base and literals. */
export const BODY_AT: i32 = 1 << 10;
export const STEPS: i32 = BODY_AT + 4;
/** What `parse` left: whether the COPYs go from the base straight to the target, to TARGET, or are the kernel's affair. */
export const COPIES: i32 = STEPS + 4;
export const TO_TARGET: i32 = 0;
export const TO_KERNEL: i32 = 1;
export const BY_KERNEL: i32 = 2;

/** Differences of 4-byte numbers that the search saw last, 64 of them. */
export const MOVES: i32 = 1 << 11;
/** How far the regions of the base moved that 4-byte numbers refer to as distances and as offsets; changes seen last. */
export const RELATIVE_REGIONS: i32 = 12;
export const ABSOLUTE_REGIONS: i32 = 14;
export const RELATIVE: i32 = MOVES + 256;
export const ABSOLUTE: i32 = RELATIVE + (4 << RELATIVE_REGIONS);
export const BYTES: i32 = ABSOLUTE + (4 << ABSOLUTE_REGIONS);
export const RECENTS: i32 = BYTES + (4 << 8);

export const TARGET: i32 = 1 << 17;
export const BASE: i32 = TARGET + MAX_TARGET + SLACK;

/** Hash table of the base (2^19 entries of 4 bytes at most), then of the literals. */
export const TABLE: i32 = BASE + MAX_BASE + SLACK;
export const MAX_TABLE_BITS: i32 = 19;
/** One byte for each piece of the base: whether it is in the table, or needed to apply a delta. */
export const PIECE_BITS: i32 = 14;
export const PIECES: i32 = TABLE + (4 << MAX_TABLE_BITS) + SLACK;

/** Table of the base around the diagonal. */
export const DENSE_BITS: i32 = 12;
export const DENSE: i32 = PIECES + (1 << 12) + SLACK;

/** The delta's instructions, one 4-byte entry each: bytes of literals, where to copy from, how many bytes. */
export const OP_LITERALS: i32 = DENSE + (4 << DENSE_BITS) + SLACK;
export const OP_FROM: i32 = OP_LITERALS + 4 * MAX_OPS + SLACK;
export const OP_LENGTH: i32 = OP_FROM + 4 * MAX_OPS + SLACK;

/** The dictionary, and right after its last byte the literals. */
export const LITERALS: i32 = OP_LENGTH + 4 * MAX_OPS + SLACK;

/** Byte streams on their way to or from the entropy coder, each of at most MAX_TARGET bytes. */
const STREAMS: i32 = LITERALS + MAX_DICTIONARY + MAX_TARGET + SLACK;
const STREAM_COUNT: i32 = 10;

/** Adaptive models: for each context 256 nodes of 4 bytes. */
export const MODELS: i32 = STREAMS + STREAM_COUNT * (MAX_TARGET + SLACK);
export const CONTEXTS: i32 = 32;
/** How fast a node learns, by the number of its visits. */
export const RATES: i32 = MODELS + CONTEXTS * 1024;
export const SAVED_MODELS: i32 = RATES + 1024;
/** Tables of the static coder. */
export const CODER: i32 = SAVED_MODELS + 2048 + SLACK;

/** Output of the range coder; room to put it before the sections; the sections of long streams. */
export const MAX_ADAPTIVE: i32 = 1 << 16;
export const ADAPTIVE: i32 = CODER + (1 << 17) + SLACK;
export const SECTIONS: i32 = ADAPTIVE + 2 * (MAX_ADAPTIVE + SLACK);
const MAX_SECTIONS: i32 = 2 * MAX_TARGET;
/** A signature's entries: its smallest chunk gives the most of them. */
export const MIN_CHUNK: i32 = 512;
export const MAX_CHUNK: i32 = 1 << 16;
const MAX_CHUNKS: i32 = MAX_BASE / MIN_CHUNK + 1;
export const ENTRY_BYTES: i32 = 12;
export const ENTRIES: i32 = SECTIONS + MAX_SECTIONS + SLACK;
/** 32 random bytes, and what they are expanded to. */
export const SEED: i32 = ENTRIES + MAX_CHUNKS * ENTRY_BYTES + SLACK;
export const KEY: i32 = SEED + 64;
/** A chunk of the target, filled up with zeros. */
export const PADDED: i32 = KEY + MAX_CHUNK + SLACK;
/** The strong hash of the chunk at hand. */
export const FOUND: i32 = PADDED + MAX_CHUNK + SLACK;

/** The body of a delta to apply. */
export const DELTA: i32 = FOUND + 8 + SLACK;

export const MEMORY_BYTES: i32 = DELTA + MAX_DELTA + SLACK;

/** Lines of the base by their hash, 4 bytes each, in the first stream's place, which is written when the search is over. */
export const LINES: i32 = STREAMS;
export const MAX_LINE_BITS: i32 = 19;

export function streamAt(index: i32): i32 {
  return STREAMS + index * (MAX_TARGET + SLACK);
}
