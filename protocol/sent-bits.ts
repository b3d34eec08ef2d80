import * as z from 'zod';
import { limits } from './limits.ts';

/** Which blocks of a file were sent: a bit for each, in their order, from the lowest of the first byte on; in base64. */
export const SentBits = z.base64().max(4 * Math.ceil(limits.blocksPerCall / 8 / 3));

/** @param isSent of each block, in their order */
export function sentBits(isSent: readonly boolean[]): string {
  const bytes = Buffer.alloc(Math.ceil(isSent.length / 8));
  for (const [number, is] of isSent.entries()) if (is) bytes[number >> 3]! |= 1 << (number & 7);
  return bytes.toString('base64');
}

/** Whether the block with a number was sent; what the text does not have was not. */
export function bitsSet(text: string): (number: number) => boolean {
  const bytes = Buffer.from(text, 'base64');
  return (number) => ((bytes[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
}

/** Of the blocks that were sent the first `most` ones. */
export function firstSent(text: string, most: number): string {
  const bytes = Buffer.from(text, 'base64');
  const is = bitsSet(text);
  let left = most;
  return sentBits(Array.from({ length: 8 * bytes.length }, (_, number) => is(number) && left-- > 0));
}
