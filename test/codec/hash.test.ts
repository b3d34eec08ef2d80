import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

test('a hash that is kept as hex takes its digits and little more', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  const kept = Array.from({ length: 20_000 }, (_, index) => toHex(new Uint8Array(32).fill(index)));
  expect((heap() - before) / kept.length).toBeLessThan(4 * 64);
});

test('a file is cut into 4 MiB blocks and a rest', () => {
  expect(blockRanges(0)).toEqual([]);
  expect(blockRanges(BLOCK_BYTES + 1)).toEqual([
    { offset: 0, length: BLOCK_BYTES },
    { offset: BLOCK_BYTES, length: 1 },
  ]);
});
