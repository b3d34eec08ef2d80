import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { inBatches } from '../../../local/aws/s3/batches.ts';

const MIB = 1024 * 1024;

function* piecesOf(content: Buffer, bytes: number): Generator<Buffer> {
  for (let at = 0; at < content.length; at += bytes) yield content.subarray(at, at + bytes);
}

test.each([
  [0, 1],
  [100, 100],
  [MIB, 16 * 1024],
  [2 * MIB + 7, 16 * 1000],
  [5 * MIB, 3 * MIB + 1],
])('%i bytes in pieces of %i come in order and whole', async (length, bytes) => {
  const content = randomBytes(length);
  const got: Buffer[] = [];
  await inBatches(Readable.from(piecesOf(content, bytes)), async (batch) => {
    got.push(Buffer.from(batch));
  });
  expect(Buffer.concat(got).equals(content)).toBe(true);
  expect(got.map((batch) => batch.length)).toEqual([
    ...Array(Math.floor(length / MIB)).fill(MIB),
    ...(length % MIB > 0 ? [length % MIB] : []),
  ]);
});

test('bodies that come at once do not mix, and take the memory of others once those have ended', async () => {
  const used = new Set<ArrayBufferLike>();
  for (let round = 0; round < 4; round++) {
    const contents = [randomBytes(2 * MIB), randomBytes(2 * MIB)];
    const got = await Promise.all(
      contents.map(async (content) => {
        const batches: Buffer[] = [];
        await inBatches(Readable.from(piecesOf(content, 10_000)), async (batch) => {
          used.add(batch.buffer);
          await new Promise(setImmediate);
          batches.push(Buffer.from(batch));
        });
        return Buffer.concat(batches).equals(content);
      }),
    );
    expect(got).toEqual([true, true]);
  }
  expect(used.size).toBe(2);
});

test('what cannot be used, and a body that breaks off, is told', async () => {
  const fails = inBatches(Readable.from(piecesOf(Buffer.alloc(2 * MIB), MIB)), async () => {
    throw new Error('the disk is full');
  });
  await expect(fails).rejects.toThrow('the disk is full');
  async function* breaksOff(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(10);
    throw new Error('broke off');
  }
  await expect(inBatches(breaksOff(), async () => undefined)).rejects.toThrow('broke off');
});

test('the buffers that a body came in are given back while it comes', async () => {
  const parts = function* (): Generator<Buffer> {
    for (let part = 0; part < 4096; part++) yield Buffer.allocUnsafeSlow(16 * 1024);
  };
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  await inBatches(Readable.from(parts()), async () => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  });
  expect(most).toBeLessThan(24 * MIB);
});
