import { expect, test } from 'vitest';
import { BLOCK_BYTES, blockRanges, fromHex, sha256, toHex } from '../../codec/index.ts';

test('hashes are written as lower-case hex and read back', async () => {
  expect(toHex(await sha256(new TextEncoder().encode('abc')))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  expect(fromHex('00ff10')).toEqual(Uint8Array.of(0, 255, 16));
  expect(() => fromHex('0')).toThrow(RangeError);
  expect(() => fromHex('zz')).toThrow(RangeError);
});

test('a file is cut into 4 MiB blocks and a rest', () => {
  expect(blockRanges(0)).toEqual([]);
  expect(blockRanges(BLOCK_BYTES + 1)).toEqual([
    { offset: 0, length: BLOCK_BYTES },
    { offset: BLOCK_BYTES, length: 1 },
  ]);
});
