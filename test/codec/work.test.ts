import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES, encodeDelta, encodeDeltaFromSignature, signature } from '../../codec/index.ts';
import { STEPS } from '../../codec/kernel/layout.ts';
import { kernel } from '../../codec/kernel-host.ts';
import { builds, concat, lines, noise } from './pairs.ts';

/** How many times the work of random input any input may take: random input is soon crossed in long steps. */
const MOST_SEARCH = 5;
const MOST_MATCH = 4;

function steps(): number {
  return new DataView(kernel().memory.buffer).getUint32(STEPS, true);
}

const size = BLOCK_BYTES / 4;
const random = noise(size);
const zeros = new Uint8Array(size);
const repeated = (period: number) => new Uint8Array(Buffer.alloc(size, noise(period, 7)));
const sparse = (seed: number) => noise(size, seed).map((byte, index) => (byte < 3 ? index & 255 : 0));
const letters = (seed: number) => noise(size, seed).map((byte) => 97 + (byte & 1));
/** Every window of the base starts like the target's and goes on otherwise. */
const disappointing = (tail: number) =>
  new Uint8Array(
    Buffer.concat(
      Array.from({ length: size / 64 }, (_, index) => [noise(20, 5), noise(44, 10 + index * 2 + tail)]).flat(),
    ),
  );

/** What makes the search look for approximate matches, and then as much else as fits. */
const program = builds(300, 5);
const asProgram = (rest: Uint8Array, before: Uint8Array) => concat([before, rest]).subarray(0, size);
/** Each piece of the base, less one byte: the diagonal is lost and found again after every one of them. */
const shrunk = (piece: number) =>
  Uint8Array.from({ length: size - size / piece }, (_, i) => random[i + Math.floor(i / (piece - 1))]!);

/** So many bytes of each record of the base, and the rest removed. */
const shortened = (kept: number, record: number) =>
  concat([random, noise(size, 4)])
    .filter((_, index) => index % record < kept)
    .subarray(0, size / 2);

/** Zeros that the place where the last COPY ended has some of, too few after so long an insertion, and no other place. */
const insertion = size / 2;
const zerosAfterInsertion: [string, Uint8Array, Uint8Array] = [
  'zeros after an insertion, fewer of them in the base',
  concat([random.subarray(0, 1024), new Uint8Array(insertion / 8 - 64), noise(size / 2, 2).map((byte) => byte | 1)]),
  concat([random.subarray(0, 1024), noise(insertion, 7).map((byte) => byte | 1), new Uint8Array(size / 2 - 1024)]),
];

const filled = (length: number, seed: number, step = 1) => lines(length, Math.floor(size / length), seed, step);

/** A prefix that is found again and again, and blanks after it in the base, lines in the target. */
const prefix = noise(200, 5).map((byte) => byte | 128);
const manyBlanks = concat([prefix, new Uint8Array(size - 200).fill(32)]);
const noLineOfIt = concat(Array.from({ length: size / 2048 }, (_, seed) => [prefix, lines(15, 123, seed + 9)]).flat());

const hard: [string, Uint8Array, Uint8Array][] = [
  zerosAfterInsertion,
  ['all chunks equal', zeros, zeros],
  ['zeros against ones', zeros, zeros.slice().fill(1)],
  ['sparse noise', sparse(1), sparse(2)],
  ['two letters', letters(1), letters(2)],
  ['a period just below the chunk size', repeated(2047), repeated(2047).fill(1, 5, 6)],
  ['a period just above the chunk size', repeated(2049), repeated(2049).subarray(1)],
  ['a period of the index stride', repeated(32), repeated(33)],
  ['windows that match for 20 bytes only', disappointing(0), disappointing(1)],
  ...[
    [9, 14],
    [12, 28],
    [17, 33],
    [24, 40],
  ].map(([kept, record]): [string, Uint8Array, Uint8Array] => [
    `${kept} bytes of each ${record}`,
    random,
    shortened(kept!, record!),
  ]),
  ...[12, 16, 40, 128].flatMap((length): [string, Uint8Array, Uint8Array][] => [
    [`lines of ${length} bytes in another order`, filled(length, 1), filled(length, 1, 7919)],
    [`other lines of ${length} bytes`, filled(length, 1), filled(length, 2)],
  ]),
  ['other lines where the base has blanks without end', manyBlanks, noLineOfIt],
  ['empty lines', filled(1, 1), filled(2, 1)],
  ['the end of the base, then other content', random, concat([random.subarray(size / 2), noise(size / 2, 6)])],
  ['more after the end of the base', random, concat([random, noise(3 * size, 6)])],
  ['a program, then random', asProgram(random, program.base), asProgram(noise(size, 2), program.target)],
  [
    'a program, then zeros against ones',
    asProgram(zeros, program.base),
    asProgram(
      zeros.map(() => 1),
      program.target,
    ),
  ],
  ['a program, then sparse noise', asProgram(sparse(1), program.base), asProgram(sparse(2), program.target)],
  ...[33, 40, 64, 128].map((piece): [string, Uint8Array, Uint8Array] => [
    `${piece} bytes out of which one is missing`,
    random,
    shrunk(piece),
  ]),
  ...[33, 40, 64, 128].map((piece): [string, Uint8Array, Uint8Array] => [
    `a program, then ${piece} bytes out of which one is missing`,
    asProgram(random, program.base),
    asProgram(shrunk(piece), program.target),
  ]),
  [
    'a program, then windows that match for 20 bytes only',
    asProgram(disappointing(0), program.base),
    asProgram(disappointing(1), program.target),
  ],
];

describe('the search takes at most a constant times the steps of random input', () => {
  encodeDelta(random, noise(size, 2));
  const usual = steps();

  test.each(hard)('%s', (_, base, target) => {
    encodeDelta(base, target);
    expect(steps()).toBeLessThanOrEqual(MOST_SEARCH * usual);
  });

  test('and twice the input at most twice the steps', () => {
    encodeDelta(concat([random, noise(size, 3)]), concat([noise(size, 4), noise(size, 5)]));
    expect(steps()).toBeLessThanOrEqual(2.1 * usual);
  });
});

describe('matching a signature takes at most a constant times the steps of random input', () => {
  encodeDeltaFromSignature(signature(random), noise(size, 2));
  const usual = steps();

  test.each(hard)('%s', (_, base, target) => {
    encodeDeltaFromSignature(signature(base), target);
    expect(steps()).toBeLessThanOrEqual(MOST_MATCH * usual);
  });

  test('a signature whose weak hashes all collide with the target', () => {
    const target = repeated(1).subarray(0, size);
    const signed = signature(target);
    // The strong hash of each entry, 8 of its 12 bytes, is spoilt: every position finds entries and none is equal.
    const header = signed.length - 12 * Math.ceil(size / 2048);
    for (let entry = header; entry < signed.length; entry += 12) signed.fill(entry & 255, entry + 4, entry + 12);
    encodeDeltaFromSignature(signed, target);
    expect(steps()).toBeLessThanOrEqual(MOST_MATCH * usual);
  });
});
