import { DeltaError } from './delta-error.ts';

/** A size below 2^28, 7 bits a byte from the lowest; all bytes but the last have the eighth bit set. */
export function leb128(size: number): number[] {
  return size < 128 ? [size] : [(size & 127) | 128, ...leb128(size >>> 7)];
}

/** The size at `from`, and the place after it. Throws `DeltaError` unless it is as short as can be. */
export function readLeb128(bytes: Uint8Array, from: number): [size: number, after: number] {
  let size = 0;
  for (let digit = 0; digit < 4; digit++) {
    const byte = bytes[from + digit];
    if (byte === undefined) throw new DeltaError('malformed', 'the input ends inside a size');
    size |= (byte & 127) << (7 * digit);
    if (byte > 127) continue;
    if (byte === 0 && digit > 0) throw new DeltaError('malformed', 'a size is written with more bytes than it needs');
    return [size, from + digit + 1];
  }
  throw new DeltaError('malformed', 'a size of more than 4 bytes');
}
