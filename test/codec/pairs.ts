import fc from 'fast-check';

/** By moving, dropping, repeating, changing and inserting pieces. */
const rearranged = fc
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

/** A base and a target made from it. */
export const structuredPair = fc.oneof(
  { weight: 9, arbitrary: rearranged },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 20, max: 80 }), fc.integer({ min: 1, max: 30 }), fc.nat(3000))
      .map(([functions, grown, cut]) => {
        const { base, target } = builds(functions, grown);
        return { base, target: target.subarray(cut) };
      }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 500, max: 2000 }), fc.integer({ min: 40, max: 100 }))
      .map(([words, columns]) => wraps(words, columns)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 12, max: 100 }), fc.integer({ min: 300, max: 1500 }), fc.nat(1500), fc.nat(2000))
      .map(([length, count, step, cut]) => ({
        base: lines(length, count),
        target: concat([lines(length, count, 1, step), lines(7, 9, 2)]).subarray(cut),
      })),
  },
);

/**
 * Two builds of one program: functions with calls of each other, as 4-byte distances, and a table of where they are. In
 * the second build each function whose number `grown` divides has 5 more bytes, so that most calls change.
 */
export function builds(functions: number, grown: number): { base: Uint8Array; target: Uint8Array } {
  return { base: build(functions, 0), target: build(functions, grown) };
}

function build(functions: number, grown: number): Uint8Array {
  const bodies = Array.from({ length: functions }, (_, index) => noise(40 + ((index * 37) % 200), index + 1));
  const sizes = bodies.map(({ length }, index) => length + (grown > 0 && index % grown === 0 ? 5 : 0));
  const starts = sizes.map((_, index) => sizes.slice(0, index).reduce((sum, size) => sum + size, 0));
  const code = bodies.map((body, index) => {
    const bytes = concat([noise(sizes[index]! - body.length, 99), body]);
    const view = new DataView(bytes.buffer);
    for (let at = 9; at + 4 < body.length; at += 14 + (at % 11)) {
      const place = bytes.length - body.length + at;
      const called = (index * 31 + at * 7) % functions;
      view.setInt32(place, starts[called]! - starts[index]! - place, true);
    }
    return bytes;
  });
  return concat([...code, new Uint8Array(Int32Array.from(starts).buffer)]);
}

/** Text of so many words, wrapped at 80 columns, and the same at fewer. */
export function wraps(words: number, columns: number): { base: Uint8Array; target: Uint8Array } {
  const text = Array.from({ length: words }, (_, index) => Buffer.from(noise(2 + (index % 5), index)).toString('hex'));
  return { base: wrapped(text.join(' '), 80), target: wrapped(text.join(' '), columns) };
}

function wrapped(text: string, columns: number): Uint8Array {
  return new TextEncoder().encode(text.replaceAll(new RegExp(`(.{1,${columns}})(?: |$)`, 'g'), '$1\n'));
}

/** So many lines of equal length, taken in steps: the same in another order if the step is coprime to their number. */
export function lines(length: number, count: number, seed = 1, step = 1): Uint8Array {
  const letters = noise(length * count, seed).map((byte) => 65 + (byte & 31));
  const order = Array.from({ length: count }, (_, index) => ((index * step) % count) * length);
  return concat(order.flatMap((from) => [letters.subarray(from, from + length - 1), Uint8Array.of(10)]));
}

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
