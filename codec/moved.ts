import { equalAt } from './compare.ts';

/** Bytes that are hashed, and from one hashed place of the base to the next. */
const WINDOW = 16;
const STRIDE = 1024;
/** Hashed places that are met: one may have lost its slot to another. */
const MET = 4;
/** Places that may be compared in vain, in all. */
const MOST_PLACES = 64;

/** Where content is that moved as a whole, by the hashes of a few places of the base. */
export class SparseIndex {
  readonly #base: Uint8Array;
  readonly #view: DataView;
  readonly #shift: number;
  readonly #slots: Int32Array;
  #vain = 0;

  constructor(base: Uint8Array) {
    this.#base = base;
    this.#view = viewOf(base);
    const bits = 34 - Math.clz32(base.length / STRIDE);
    this.#shift = 32 - bits;
    this.#slots = new Int32Array(1 << bits).fill(-1);
    for (let place = 0; place + WINDOW <= base.length; place += STRIDE) {
      this.#slots[hashAt(this.#view, place) >>> this.#shift] = place;
    }
  }

  /** A place of the base with the `bytes` bytes of the target from `at` on, at least WINDOW; or -1. */
  placeOf(target: Uint8Array, at: number, bytes: number): number {
    const view = viewOf(target);
    const end = Math.min(at + MET * STRIDE, target.length - WINDOW);
    for (let i = at; i < end && this.#vain < MOST_PLACES; i++) {
      const hashed = this.#slots[hashAt(view, i) >>> this.#shift]!;
      const place = hashed - (i - at);
      if (hashed < 0 || place < 0 || place + bytes > this.#base.length) continue;
      // Many lines begin alike.
      if (this.#view.getInt32(place + bytes - 4) !== view.getInt32(at + bytes - 4)) continue;
      if (equalAt(this.#base, place, target, at, bytes)) return place;
      this.#vain++;
    }
    return -1;
  }
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Multiplicative hash of WINDOW bytes, with the primes of xxHash. */
function hashAt(view: DataView, at: number): number {
  const sum =
    Math.imul(view.getInt32(at), 0x9e3779b1) ^
    Math.imul(view.getInt32(at + 4), 0x85ebca77) ^
    Math.imul(view.getInt32(at + 8), 0xc2b2ae3d) ^
    Math.imul(view.getInt32(at + 12), 0x27d4eb2f);
  return Math.imul(sum ^ (sum >>> 15), 0x165667b1) >>> 0;
}
