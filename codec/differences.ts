import { BLOCK_BYTES } from './blocks.ts';
import { equalAt, indexOf } from './compare.ts';
import { SparseIndex } from './moved.ts';

/** Compared in one go: small enough that little is compared in vain, large enough for the call. */
const CHUNK = 1 << 15;

/**
 * A part of the target that stands in for a part of the base; in between both are the same. Where content moved as a
 * whole the target's part is empty, and the base's ends wherever it goes on.
 */
export interface Difference {
  readonly baseFrom: number;
  readonly baseTo: number;
  readonly targetFrom: number;
  readonly targetTo: number;
}

/** Bytes by which content is found again after a difference, this far from where it would be if that had kept its length. */
const SOME_BYTES = 32;
const REACH = 1 << 16;
/** Chunks of one difference. In a longer one content may come from anywhere. */
const MOST_CHUNKS = 4;
/** Chunks after which it is looked for anywhere: two edits are often that close. */
const MANY_CHUNKS = 2;
/** Searches in vain that a pair of base and target warrants. */
const MOST_SEARCHES = 8;

/**
 * Where base and target differ, in order; `undefined` when that is a large part of the target. It starts at byte `start`
 * of the base: its first, or the first after a neighbouring block. In a difference, which is whole chunks of the target,
 * bytes may have been inserted or removed, up to REACH.
 */
export function differencesOf(
  base: Uint8Array,
  target: Uint8Array,
): { start: number; differences: Difference[] } | undefined {
  const comparison = new Comparison(base, target);
  const differences: Difference[] = [];
  const start = equalAt(base, BLOCK_BYTES, target, 0, Math.min(target.length, 64)) ? BLOCK_BYTES : 0;
  let shift = start;
  let different = 0;
  for (let at = 0; at < target.length; ) {
    if (comparison.hasChunk(at, at + shift)) {
      at += comparison.lengthOf(at);
      continue;
    }
    const difference = comparison.differenceAt(at, shift);
    if (!difference) return undefined;
    different += difference.targetTo - difference.targetFrom;
    if (2 * different > target.length) return undefined;
    differences.push(difference);
    at = difference.targetTo;
    shift = difference.baseTo - at;
  }
  return { start, differences };
}

class Comparison {
  readonly #base: Uint8Array;
  readonly #target: Uint8Array;
  #searchesLeft = MOST_SEARCHES;
  #index: SparseIndex | undefined;

  constructor(base: Uint8Array, target: Uint8Array) {
    this.#base = base;
    this.#target = target;
  }

  /** Bytes of the target's chunk at `at`: fewer at its end. */
  lengthOf(at: number): number {
    return Math.min(CHUNK, this.#target.length - at);
  }

  /** Whether the base has the target's chunk at `at` at `place`. */
  hasChunk(at: number, place: number): boolean {
    return equalAt(this.#base, place, this.#target, at, this.lengthOf(at));
  }

  /** The difference in the chunk at `at`, up to where the two are the same again. */
  differenceAt(at: number, shift: number): Difference | undefined {
    for (let chunks = 1; chunks <= MOST_CHUNKS; chunks++) {
      const to = at + chunks * CHUNK;
      if (to >= this.#target.length) {
        return { baseFrom: at + shift, baseTo: this.#base.length, targetFrom: at, targetTo: this.#target.length };
      }
      if (this.#searchesLeft === 0) return undefined;
      const baseTo = this.#placeOf(to, to + shift);
      if (baseTo >= at + shift) return { baseFrom: at + shift, baseTo, targetFrom: at, targetTo: to };
      const move = chunks === MANY_CHUNKS && this.#moveAt(at, shift);
      if (move) return move;
    }
    return undefined;
  }

  /** Where in the chunk at `at` content begins that moved from elsewhere, if it does so before or where the two differ. */
  #moveAt(at: number, shift: number): Difference | undefined {
    let from = at + this.#equalBytes(at, at + shift);
    this.#index ??= new SparseIndex(this.#base);
    let place = this.#index.placeOf(this.#target, from, this.lengthOf(from));
    if (place < 0) return undefined;
    // What came before was equal by chance.
    while (from > at && place > 0 && this.#target[from - 1] === this.#base[place - 1]) {
      from--;
      place--;
    }
    return { baseFrom: from + shift, baseTo: place, targetFrom: from, targetTo: from };
  }

  /** Bytes from the start of the target's chunk at `at`, which the base does not have at `place` as a whole, that it has. */
  #equalBytes(at: number, place: number): number {
    let equal = 0;
    for (let part = CHUNK >> 1; part > 0; part >>= 1) {
      if (equalAt(this.#base, place + equal, this.#target, at + equal, part)) equal += part;
    }
    return equal;
  }

  /** Where the base has the target's chunk at `at`: where it is expected, or near that; else -1. */
  #placeOf(at: number, expected: number): number {
    if (this.hasChunk(at, expected)) return expected;
    if (equalAt(this.#base, expected, this.#target, at, SOME_BYTES)) return -1;
    const from = Math.max(0, expected - REACH);
    const found = indexOf(this.#base.subarray(from, expected + REACH), this.#target.subarray(at, at + SOME_BYTES));
    if (found >= 0 && this.hasChunk(at, from + found)) return from + found;
    this.#searchesLeft--;
    return -1;
  }
}
