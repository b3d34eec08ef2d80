import { concat, noise } from './pairs.ts';

const text = new TextEncoder().encode(Array.from({ length: 500 }, (_, i) => `${i}: ${i * 7919} and more\n`).join(''));
const table = Uint8Array.from({ length: 48_000 }, (_, index) =>
  index % 4 < 2 ? Math.imul(index >> 2, 0x9e3779b1) >>> (24 - 8 * (index & 1)) : 0,
);
const few = noise(1300);

export const vectorSeed = noise(32, 9);

/** One pair for each way in which a delta can be written. */
export const vectorInputs = [
  {
    name: 'few instructions and raw literals',
    base: few,
    target: concat([few.subarray(0, 400), noise(30, 2), few.subarray(400)]),
  },
  { name: 'nothing', base: few, target: new Uint8Array(0) },
  { name: 'from nothing', base: new Uint8Array(0), target: few },
  {
    name: 'compressed literals with a dictionary',
    base: text,
    target: concat([
      text.subarray(0, 1000),
      text.subarray(1000, 3000).map((byte) => (byte === 0x20 ? 0x2d : byte)),
      text.subarray(3000),
    ]),
  },
  { name: 'long literals in static code', base: few, target: text.map((byte, index) => byte ^ (index % 7)) },
  {
    name: 'many instructions, and literals as differences',
    base: table,
    target: table.map((byte, index) =>
      index % 16 < 5 && index % 4 < 2 ? byte + (Math.imul(index >> 4, 0x85ebca6b) >>> 29) : byte,
    ),
  },
];
