import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyDelta, encodeDelta, encodeDeltaFromSignature, sha256, signature, toHex } from '../../codec/index.ts';
import { builds, concat, noise, wraps } from './pairs.ts';

/** `CODEC_FUZZ_RUNS=1000000` is the long run. */
const RUNS = Number(process.env.CODEC_FUZZ_RUNS ?? 50_000);

/** Pairs whose deltas use every feature: few and many instructions, dictionary, corrections of both sorts, long literals. */
const text = new TextEncoder().encode(Array.from({ length: 900 }, (_, i) => `row ${i}: ${i * 7919}\n`).join(''));
const pairs = [
  { base: noise(2000), target: concat([noise(2000).subarray(900), noise(40, 2), noise(700)]) },
  { base: text, target: concat([text.subarray(3000), text.map((byte) => byte ^ 1).subarray(0, 500), text]) },
  { base: noise(24_000), target: noise(24_000).map((byte, index) => (index % 16 === 3 ? byte ^ index : byte)) },
  builds(150, 7),
  wraps(1500, 72),
  { base: noise(100), target: text },
];

const mutation = fc.oneof(
  fc.record({ at: fc.nat(), byte: fc.nat(255) }),
  fc.record({ cut: fc.nat() }),
  fc.record({ at: fc.nat(), from: fc.nat(), length: fc.nat(30) }),
);

type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutate(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  let mutated = bytes;
  for (const each of mutations) {
    const at = 'at' in each ? each.at % (mutated.length + 1) : 0;
    if ('byte' in each) mutated = concat([mutated.subarray(0, at), Uint8Array.of(each.byte), mutated.subarray(at + 1)]);
    else if ('cut' in each) mutated = mutated.subarray(0, each.cut % (mutated.length + 1));
    else {
      const from = each.from % (mutated.length + 1);
      mutated = concat([mutated.subarray(0, at), mutated.subarray(from, from + each.length), mutated.subarray(at)]);
    }
  }
  return mutated;
}

/** The right output or a `DeltaError`: anything else, such as a RangeError or other content, fails. */
async function expectRightOrRefused(attempt: () => Promise<Uint8Array>, target: Uint8Array): Promise<void> {
  const outcome = await attempt().catch((error: Error) => error);
  if (outcome instanceof Error) expect(outcome.name).toBe('DeltaError');
  else expect(Buffer.compare(outcome, target)).toBe(0);
}

test(`${RUNS} mutated deltas yield the target or a typed error`, { timeout: 60_000 + 5 * RUNS }, async () => {
  const into = new Uint8Array(1 << 16);
  const seeds = await Promise.all(
    pairs.map(async ({ base, target }) => ({
      base,
      target,
      delta: encodeDelta(base, target),
      expected: { expectedSize: target.length, expectedHash: toHex(await sha256(target)), into },
    })),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 3 }), (seed, mutations) =>
      expectRightOrRefused(() => applyDelta(seed.base, mutate(seed.delta, mutations), seed.expected), seed.target),
    ),
    { numRuns: RUNS },
  );
});

test(`${RUNS / 10} mutated signatures yield a delta to the target or a typed error`, {
  timeout: 60_000 + 5 * RUNS,
}, async () => {
  const [{ base, target }] = pairs as [(typeof pairs)[0]];
  const signed = signature(base, { chunkSize: 512 });
  const expected = { expectedSize: target.length, expectedHash: toHex(await sha256(target)) };
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) =>
      expectRightOrRefused(
        async () => applyDelta(base, encodeDeltaFromSignature(mutate(signed, mutations), target), expected),
        target,
      ),
    ),
    { numRuns: RUNS / 10 },
  );
});
