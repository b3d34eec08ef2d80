import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { applyDelta, encodeDelta, encodeDeltaFromSignature, sha256, signature, toHex } from '../../codec/index.ts';
import { vectorInputs, vectorSeed } from './vector-inputs.ts';

/** What version 5 of the delta format and version 2 of the signature format look like; readers must go on reading it. */
const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')) as {
  deltas: Record<string, string>;
  signature: string;
};

describe.each(vectorInputs)('$name', ({ name, base, target }) => {
  const delta = Buffer.from(vectors.deltas[name]!, 'base64');

  test('is read', async () => {
    const expected = { expectedSize: target.length, expectedHash: toHex(await sha256(target)) };
    expect(Buffer.compare(await applyDelta(base, delta, expected), target)).toBe(0);
  });

  test('is still written no longer than that', () => {
    expect(encodeDelta(base, target).length).toBeLessThanOrEqual(delta.length * 1.02);
  });
});

test('a signature', () => {
  const { base } = vectorInputs[0]!;
  const signed = signature(base, { chunkSize: 512, seed: vectorSeed });
  expect(Buffer.from(signed).toString('base64')).toBe(vectors.signature);
  expect(encodeDeltaFromSignature(signed, base).length).toBeLessThan(20);
});
