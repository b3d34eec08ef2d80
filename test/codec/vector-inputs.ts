import { builds, concat, lines, noise, wraps } from './pairs.ts';

const text = new TextEncoder().encode(Array.from({ length: 500 }, (_, i) => `${i}: ${i * 7919} and more\n`).join(''));
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
    name: 'many instructions',
    base: noise(24_000),
    target: noise(24_000).map((byte, index) => (index % 16 === 3 ? byte ^ index : byte)),
  },
  { name: 'many instructions with large numbers', base: lines(24, 1500), target: lines(24, 1500, 1, 701) },
  { name: 'COPYs that are put right', ...builds(200, 9) },
  { name: 'COPYs that are put right by what they change', ...wraps(1000, 72) },
];
