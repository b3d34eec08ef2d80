import { DELTA_VERSION, DeltaError, DeltaReader } from './delta-format.ts';
import { sha256, toHex } from './hash.ts';

/**
 * Rebuilds the target of a delta and verifies it.
 *
 * Nothing is allocated before the declared sizes are checked against `expectedSize`, every COPY lies inside the base,
 * every instruction writes at least one byte, and the result has the expected SHA-256. Throws `DeltaError` otherwise.
 *
 * @param expectedSize bytes of the target, at most one block
 * @param expectedHash SHA-256 of the target in lower-case hex
 */
export async function applyDelta(
  base: Uint8Array,
  delta: Uint8Array,
  { expectedSize, expectedHash }: { expectedSize: number; expectedHash: string },
): Promise<Uint8Array> {
  const target = rebuild(base, delta, expectedSize);
  const hash = toHex(await sha256(target));
  if (hash !== expectedHash) {
    throw new DeltaError(`the delta yields content with SHA-256 ${hash}, not ${expectedHash}: the base differs`);
  }
  return target;
}

function rebuild(base: Uint8Array, delta: Uint8Array, expectedSize: number): Uint8Array {
  const reader = new DeltaReader(delta);
  const version = reader.byte();
  if (version !== DELTA_VERSION)
    throw new DeltaError(`unknown delta version ${version}; this side reads ${DELTA_VERSION}`);
  const baseSize = reader.varint();
  if (baseSize !== base.length) {
    throw new DeltaError(`the delta is for a base of ${baseSize} bytes, this one has ${base.length}`);
  }
  const size = reader.varint();
  if (size !== expectedSize) throw new DeltaError(`the delta declares ${size} bytes, ${expectedSize} were expected`);

  const target = new Uint8Array(size);
  let written = 0;
  let copiedTo = 0;
  while (written < size) {
    const op = reader.varint();
    const length = Math.floor(op / 2);
    if (length === 0) throw new DeltaError('an instruction of length 0');
    if (length > size - written) throw new DeltaError(`an instruction writes past the declared ${size} bytes`);
    if (op % 2 === 0) {
      target.set(reader.take(length), written);
    } else {
      const from = copiedTo + reader.zigzag();
      if (from < 0 || from + length > base.length) {
        throw new DeltaError(`a COPY of ${length} bytes from ${from} leaves the base of ${base.length} bytes`);
      }
      target.set(base.subarray(from, from + length), written);
      copiedTo = from + length;
    }
    written += length;
  }
  if (!reader.atEnd) throw new DeltaError('bytes follow the last instruction');
  return target;
}
