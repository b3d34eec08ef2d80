/* Which blocks of a file were sent, as devices tell each other: a bit each, from the lowest of the first byte on, in base64. */

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
