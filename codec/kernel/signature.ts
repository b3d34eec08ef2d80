/*
 * Signatures: what a delta needs to know of a base that is elsewhere. For each chunk of it, in ENTRY_BYTES:
 *
 *   weak    4 bytes  a polynomial, so that it can be rolled over the target byte by byte
 *   strong  8 bytes  NH under a key of the signature's own: content cannot be made to collide before the key exists, and
 *                    other content has the same value with a probability of 2^-32 whatever its weak hash is
 *
 * The last chunk may be shorter; it is filled up with zeros and matches at the target's end only. Both hashes are keyed
 * by SEED, which ChaCha8 expands. What a wrong match costs is a refused delta: the target's SHA-256 is verified.
 */
import { instructionCount, pushInstruction, pushOrProlong, pushSuffix, startInstructions } from './instruction-list.ts';
import { BASE, ENTRIES, ENTRY_BYTES, FOUND, KEY, PADDED, SEED, STEPS, TABLE, TARGET } from './layout.ts';
import { copy, equal8, fill, load8, load32, multiply, multiplyHash, polynomial, store8, store32 } from './machine.ts';
import { smaller } from './numbers.ts';

/** Slots of the table of entries by weak hash, and bits of the filter before it. */
const SLOT_BITS: i32 = 15;
const FILTER: i32 = TABLE + (4 << SLOT_BITS);
const FILTER_BITS: i32 = 18;
/** Entries of equal weak hashes that are kept. */
const MOST_PROBES: i32 = 8;
const PRIME: i32 = -1640531535;

let factor: i32 = 0;

/** Expands the seed to the key for chunks of this size. */
export function prepareKey(chunkSize: i32): void {
  for (let block = 0; 64 * block < chunkSize; block++) chacha(KEY + 64 * block, block);
  // Odd, so that no byte loses its influence, and large.
  factor = (load32(SEED) & 0x7fff) | 0x4001;
}

/** The block of ChaCha's key stream with that counter, after 8 rounds. */
function chacha(to: i32, counter: i32): void {
  constants(to);
  copy(to + 16, SEED, 32);
  store32(to + 48, counter);
  fill(to + 52, 0, 12);
  for (let round = 0; round < 8; round += 2) {
    for (let i = 0; i < 16; i += 4) quarter(to + i, to + 16 + i, to + 32 + i, to + 48 + i);
    quarter(to, to + 20, to + 40, to + 60);
    quarter(to + 4, to + 24, to + 44, to + 48);
    quarter(to + 8, to + 28, to + 32, to + 52);
    quarter(to + 12, to + 16, to + 36, to + 56);
  }
}

/** "expand 32-byte k". */
function constants(to: i32): void {
  store32(to, 0x61707865);
  store32(to + 4, 0x3320646e);
  store32(to + 8, 0x79622d32);
  store32(to + 12, 0x6b206574);
}

function quarter(a: i32, b: i32, c: i32, d: i32): void {
  addAndTurn(a, b, d, 16);
  addAndTurn(c, d, b, 12);
  addAndTurn(a, b, d, 8);
  addAndTurn(c, d, b, 7);
}

function addAndTurn(sum: i32, addend: i32, turned: i32, bits: i32): void {
  store32(sum, (load32(sum) + load32(addend)) | 0);
  const mixed = load32(turned) ^ load32(sum);
  store32(turned, (mixed << bits) | (mixed >>> (32 - bits)));
}

/** Writes the entries of the chunks in the `bytes` bytes at BASE, from `entry` on; after `prepareKey`. */
export function sign(bytes: i32, chunkSize: i32, entry: i32): void {
  let to = ENTRIES + entry * ENTRY_BYTES;
  for (let at = 0; at < bytes; at += chunkSize) {
    const chunk = padded(BASE + at, smaller(chunkSize, bytes - at), chunkSize);
    store32(to, polynomial(chunk, chunkSize, factor));
    multiplyHash(chunk, KEY, chunkSize, to + 4);
    to += ENTRY_BYTES;
  }
}

/** Where the chunk is with zeros after it up to its full size. */
function padded(chunk: i32, length: i32, chunkSize: i32): i32 {
  if (length === chunkSize) return chunk;
  copy(PADDED, chunk, length);
  fill(PADDED + length, 0, chunkSize - length);
  return PADDED;
}

function equals(chunk: i32, chunkSize: i32, entry: i32): boolean {
  multiplyHash(chunk, KEY, chunkSize, FOUND);
  return equal8(FOUND, ENTRIES + entry * ENTRY_BYTES + 4);
}

/**
 * How many of the `bytes` bytes at TARGET, counted from their start or from their end, are whole chunks that equal the
 * signature's from `entry` on one by one; after `prepareKey`.
 */
export function equalChunks(bytes: i32, chunkSize: i32, entry: i32, fromEnd: boolean): i32 {
  const chunks = (bytes / chunkSize) | 0;
  let equal = 0;
  for (; equal < chunks; equal++) {
    const chunk = fromEnd ? chunks - 1 - equal : equal;
    if (!equals(TARGET + chunk * chunkSize, chunkSize, entry + chunk)) break;
  }
  return equal;
}

/** Enters whole chunks by their weak hash; of chunks that are the same, and of too many that collide, the first ones. */
function indexEntries(count: i32): void {
  fill(TABLE, 0, (4 << SLOT_BITS) + (1 << (FILTER_BITS - 3)));
  for (let i = 0; i < count; i++) {
    const entry = ENTRIES + i * ENTRY_BYTES;
    const weak = load32(entry);
    let slot = slotOf(weak);
    let probes = 0;
    while (probes < MOST_PROBES) {
      const other = load32(TABLE + 4 * slot) - 1;
      if (other < 0) {
        store32(TABLE + 4 * slot, i + 1);
        const bit = filterBit(weak);
        store8(FILTER + (bit >>> 3), load8(FILTER + (bit >>> 3)) | (1 << (bit & 7)));
        break;
      }
      if (sameEntry(ENTRIES + other * ENTRY_BYTES, entry)) break;
      slot = (slot + 1) & ((1 << SLOT_BITS) - 1);
      probes++;
    }
  }
}

function sameEntry(a: i32, b: i32): boolean {
  for (let i = 0; i < ENTRY_BYTES; i += 4) if (load32(a + i) !== load32(b + i)) return false;
  return true;
}

function slotOf(weak: i32): i32 {
  return multiply(weak, PRIME) >>> (32 - SLOT_BITS);
}

function filterBit(weak: i32): i32 {
  return weak >>> (32 - FILTER_BITS);
}

/**
 * Fills the columns of instructions with what the target shares with the signature's base. Returns their number. Of the
 * target, `prefix` chunks at its start and `suffix` bytes at its end are those of the base and not in memory.
 *
 * A chunk is expected right after the last one that matched. Elsewhere the weak hash rolls on byte by byte, and a chunk
 * whose weak hash is found has its strong one computed. That may fail as often as the target has chunks, twice over; a
 * target made to fail more often stays literal from there, so the work is linear.
 */
export function match(baseSize: i32, targetSize: i32, chunkSize: i32, prefix: i32, suffix: i32): i32 {
  prepareKey(chunkSize);
  startInstructions();
  const whole = (baseSize / chunkSize) | 0;
  const rest = baseSize - whole * chunkSize;
  indexEntries(whole);
  let power = 1;
  for (let i = 0; i < chunkSize; i++) power = multiply(power, factor);

  if (prefix > 0) pushInstruction(0, 0, prefix * chunkSize);
  const end = TARGET + targetSize - prefix * chunkSize - suffix;
  let at = TARGET;
  let anchor = TARGET;
  let expected = prefix;
  let hashed = 0;
  let misses = 0;
  const mostMisses = (16 + (2 * targetSize) / chunkSize) | 0;
  while (at + chunkSize <= end && misses < mostMisses) {
    // Right after a match, or at the start.
    let found = -1;
    if (expected < whole) {
      hashed++;
      if (equals(at, chunkSize, expected)) found = expected;
    }
    if (found < 0) {
      let weak = polynomial(at, chunkSize, factor);
      hashed++;
      for (;;) {
        const bit = filterBit(weak);
        if ((load8(FILTER + (bit >>> 3)) >> (bit & 7)) & 1) {
          found = lookUp(at, weak, chunkSize);
          hashed += probed;
          misses += found < 0 ? probed : 0;
        }
        if (found >= 0 || at + chunkSize >= end || misses >= mostMisses) break;
        weak = (multiply(weak, factor) + load8(at + chunkSize) - multiply(power, load8(at))) | 0;
        at++;
      }
    }
    if (found < 0) break;
    pushOrProlong(at - anchor, found * chunkSize, chunkSize);
    at += chunkSize;
    anchor = at;
    expected = found + 1;
  }
  if (
    suffix === 0 &&
    rest > 0 &&
    end - anchor >= rest &&
    equals(padded(end - rest, rest, chunkSize), chunkSize, whole)
  ) {
    pushOrProlong(end - rest - anchor, whole * chunkSize, rest);
    anchor = end;
  }
  if (anchor < end || instructionCount === 0) pushInstruction(end - anchor, 0, 0);
  if (suffix > 0) pushSuffix(baseSize - suffix, suffix);
  store32(STEPS, targetSize + hashed * chunkSize);
  return instructionCount;
}

/** Strong hashes computed by the last call of `lookUp`. */
let probed: i32 = 0;

/** The entry that equals the chunk at `at`, or -1. */
function lookUp(at: i32, weak: i32, chunkSize: i32): i32 {
  probed = 0;
  let slot = slotOf(weak);
  for (let i = 0; i <= MOST_PROBES; i++) {
    const entry = load32(TABLE + 4 * slot) - 1;
    if (entry < 0) return -1;
    if (load32(ENTRIES + entry * ENTRY_BYTES) === weak) {
      probed++;
      if (equals(at, chunkSize, entry)) return entry;
    }
    slot = (slot + 1) & ((1 << SLOT_BITS) - 1);
  }
  return -1;
}
