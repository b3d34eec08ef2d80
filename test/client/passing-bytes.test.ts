import { expect, test } from 'vitest';
import { PassingBytes } from '../../cli/passing-bytes.ts';

const MIB = 1024 * 1024;

test('memory of what passes is given back each 8 MiB', () => {
  let collected = 0;
  const passing = new PassingBytes(() => collected++);
  for (let part = 0; part < 20 * MIB; part += 16 * 1024) passing.passed(16 * 1024);
  expect(collected).toBe(2);
});

test('by the runtime itself, which takes nothing away that is still used', () => {
  const passing = new PassingBytes();
  const kept: Buffer[] = [];
  for (let part = 0; part < 1024; part++) {
    const buffer = Buffer.alloc(16 * 1024, part);
    if (part % 100 === 0) kept.push(buffer);
    passing.passed(buffer.length);
  }
  expect(kept.map((buffer) => buffer.at(-1))).toEqual(kept.map((_, index) => (index * 100) % 256));
});
