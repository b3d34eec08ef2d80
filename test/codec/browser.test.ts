import { createContext, runInContext } from 'node:vm';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { encodeDelta, sha256, toHex } from '../../codec/index.ts';
import { concat, noise } from './pairs.ts';

type Codec = typeof import('../../codec/index.ts');

/** The codec as a page would load it; the build fails on any import of Node's modules. */
const bundle = buildSync({
  entryPoints: ['codec/index.ts'],
  bundle: true,
  write: false,
  platform: 'browser',
  format: 'iife',
  globalName: 'codec',
}).outputFiles[0]!.text;

const base = noise(400_000);
const targets = [
  concat([noise(30, 2), base.subarray(0, 9000), noise(500, 3), base]),
  concat([base.subarray(0, 200_000), noise(40, 2), base.subarray(200_040)]),
  concat([base.subarray(0, 200_000), noise(40, 2), base.subarray(200_000)]),
  concat([
    base.subarray(0, 100_000),
    noise(40, 2),
    base.subarray(100_040, 200_000),
    base.subarray(200_700, 310_000),
    noise(90, 3),
    base.subarray(310_000),
  ]),
];

test.each([
  ['with WebAssembly', {}],
  ['without WebAssembly', { WebAssembly: undefined }],
])('a browser %s writes the same delta and applies it', async (_, missing) => {
  const page = createContext({ crypto, atob, Uint8Array, ...missing });
  const codec = runInContext(`${bundle}; codec`, page) as Codec;
  for (const target of targets) {
    const delta = codec.encodeDelta(base, target);
    expect(Buffer.compare(delta, encodeDelta(base, target))).toBe(0);
    const expected = { expectedSize: target.length, expectedHash: toHex(await sha256(target)) };
    expect(Buffer.compare(await codec.applyDelta(base, delta, expected), target)).toBe(0);
  }
});
