import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { blockRanges, sha256, toHex } from '../codec/index.ts';
import type { Block } from '../protocol/entry.ts';

/** Blocks that are read ahead while others are being hashed off the main thread. */
const READ_AHEAD = 3;

/**
 * A file whose last change is younger than this may change again without its time stamp showing it. A time stamp in the
 * future is as old: the clock was set back since.
 */
const RACY_MS = 20;

export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
}

/** Changes whenever the file may have changed. */
export function hintOf(stats: BigIntStats): string {
  return `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** `hintOf`, or empty when the file is so young that the hint proves nothing. */
function settledHint(stats: BigIntStats, now: number): string {
  return Math.abs(now - Number(stats.ctimeMs)) < RACY_MS ? '' : hintOf(stats);
}

/** Reads the bytes from `offset`; fewer when the file ends before. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/**
 * The blocks of a file and its state while they were read; `undefined` when it changed meanwhile or is no file any
 * more. Throws what opening or reading it throws.
 */
export async function hashFile(
  place: string,
): Promise<{ stats: BigIntStats; blocks: Block[]; hint: string } | undefined> {
  const file = await open(place, 'r');
  try {
    const started = Date.now();
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) return undefined;
    const blocks = await hashBlocks(file, Number(before.size));
    const after = await file.stat({ bigint: true });
    if (!blocks || hintOf(before) !== hintOf(after)) return undefined;
    return { stats: after, blocks, hint: settledHint(after, started) };
  } finally {
    await file.close();
  }
}

async function hashBlocks(file: FileHandle, size: number): Promise<Block[] | undefined> {
  const ranges = blockRanges(size);
  const blocks: (Block | undefined)[] = [];
  for (let from = 0; from < ranges.length; from += READ_AHEAD) {
    const part = ranges.slice(from, from + READ_AHEAD).map(async ({ offset, length }) => {
      const bytes = await readAt(file, offset, length);
      return bytes.length === length ? { hash: toHex(await sha256(bytes)), size: length } : undefined;
    });
    blocks.push(...(await Promise.all(part)));
  }
  return blocks.every((block) => block !== undefined) ? blocks : undefined;
}
