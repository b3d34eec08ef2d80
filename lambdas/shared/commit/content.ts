import { applyDelta } from '../../../codec/index.ts';
import type { Content } from '../tables/contents.ts';

/** The base of a delta that is content. */
const NOTHING = new Uint8Array(0);

/**
 * The content that a row has, verified.
 * @throws DeltaError where it is not that of the block
 */
export async function decodeContent(
  { encoded }: Pick<Content, 'encoded'>,
  hash: string,
  size: number,
): Promise<Uint8Array> {
  return await applyDelta(NOTHING, encoded, { expectedSize: size, expectedHash: hash });
}
