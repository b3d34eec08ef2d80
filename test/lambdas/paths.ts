import fc from 'fast-check';
import { limits } from '../../protocol/limits.ts';

/** Characters that JSON, its quotation in an envelope, or UTF-8 makes longer, beside one that stays as it is. */
const growing = fc.constantFrom('"', 'é', '漢', '😀', '\u00ad', '\u2028', "'", 'a');

/** A path as long as the limits allow, of one of these characters or of several. */
export const longPath: fc.Arbitrary<string> = fc
  .oneof(
    growing.map((unit) => unit.repeat(limits.pathBytes)),
    fc.string({ unit: growing, minLength: limits.pathBytes / 4, maxLength: limits.pathBytes }),
  )
  .map(cut);

/** Segments of at most 240 bytes, together within the limit of a path. */
function cut(text: string): string {
  let path = '';
  let [bytes, segment] = [0, 0];
  for (const character of text) {
    const size = Buffer.byteLength(character);
    const full = segment + size > 240;
    if (bytes + size + (full ? 1 : 0) > limits.pathBytes) break;
    path += full ? `/${character}` : character;
    bytes += size + (full ? 1 : 0);
    segment = full ? size : segment + size;
  }
  return path;
}
