/*
 * What is kept of a block in place of all of it: its first bytes, by which it is found in a file again, and its
 * signature, by which a delta is made from it. 0.6% of the block.
 */
import { readFileSync } from 'node:fs';
import { DeltaError } from '../delta-error.ts';
import { encodeDeltaFromSignature, signature } from '../signature.ts';

/** Bytes from a block's start on among which those are chosen by which it is found again. */
export const HEAD_BYTES = 1024;

/** @param block at most BLOCK_BYTES */
export function sketchOf(block: Uint8Array): Uint8Array {
  const head = block.subarray(0, HEAD_BYTES);
  const signed = signature(block);
  const sketch = new Uint8Array(head.length + signed.length);
  sketch.set(head);
  sketch.set(signed, head.length);
  return sketch;
}

/**
 * A delta that makes `target` from a block; `undefined` when its sketch cannot be read or is none. One of another block
 * yields a delta that makes something else.
 * @param path of the file that holds the sketch
 * @param size of the block
 */
export function deltaFromSketch(path: string, size: number, target: Uint8Array): Uint8Array | undefined {
  try {
    return encodeDeltaFromSignature(readFileSync(path).subarray(Math.min(size, HEAD_BYTES)), target);
  } catch (error) {
    if (error instanceof DeltaError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}
