import fc from 'fast-check';

/** A base and a target made from it by moving, dropping, repeating, changing and inserting pieces. */
export const structuredPair = fc
  .tuple(
    fc.uint8Array({ maxLength: 3000 }),
    fc.array(
      fc.oneof(
        fc.record({
          from: fc.double({ min: 0, max: 1, noNaN: true }),
          length: fc.nat(800),
          addend: fc.constantFrom(0, 0, 0, 1, 16),
          every: fc.integer({ min: 4, max: 40 }),
        }),
        fc.uint8Array({ maxLength: 60 }),
        fc.record({ byte: fc.nat(255), times: fc.nat(600) }),
      ),
      { maxLength: 12 },
    ),
  )
  .map(([seed, pieces]) => {
    const base = concat([seed, seed, seed.subarray(0, 100)]);
    const parts = pieces.map((piece) => {
      if (piece instanceof Uint8Array) return piece;
      if ('byte' in piece) return new Uint8Array(piece.times).fill(piece.byte);
      const from = Math.floor(piece.from * base.length);
      return base
        .slice(from, from + piece.length)
        .map((byte, index) => (index % piece.every === 0 ? byte + piece.addend : byte));
    });
    return { base, target: concat(parts) };
  });

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Reproducible bytes without structure (xorshift32). */
export function noise(length: number, seed = 1): Uint8Array {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 11;
  });
}
