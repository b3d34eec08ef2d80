import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/**
 * Reads the bytes from `offset`; fewer when the file ends before.
 * @param buffer where to
 */
export async function readAt(
  file: FileHandle,
  offset: number,
  length: number,
  buffer: Buffer = Buffer.allocUnsafeSlow(length),
): Promise<Uint8Array> {
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** As `readAt`, of a file's descriptor and on this thread: for what is small. */
function readNow(file: number, offset: number, length: number, buffer: Buffer = Buffer.allocUnsafe(length)): Buffer {
  let filled = 0;
  while (filled < length) {
    const read = readSync(file, buffer, filled, length - filled, offset + filled);
    if (read === 0) break;
    filled += read;
  }
  return buffer.subarray(0, filled);
}

export const PASSING_BYTES = 256 * 1024;
const passing = Buffer.allocUnsafeSlow(PASSING_BYTES);

/**
 * As `readNow`, at most `PASSING_BYTES`, which are valid until the next call: a buffer for each of many small files would
 * have to be collected.
 */
export function readPassing(file: number, offset: number, length: number): Buffer {
  return readNow(file, offset, length, passing);
}

/**
 * Opens a file to read it on this thread. What has become a pipe meanwhile would be waited for, and is not; a symbolic
 * link is not followed.
 */
export function openNow(place: string): number {
  return openSync(place, constants.O_RDONLY | constants.O_NONBLOCK | (constants.O_NOFOLLOW ?? 0));
}

/** Reads a small part of a file on this thread. */
export function readPart(place: string, offset: number, length: number): Buffer {
  const file = openNow(place);
  try {
    return readNow(file, offset, length);
  } finally {
    closeSync(file);
  }
}
