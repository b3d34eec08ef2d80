import { DeltaError } from '../../codec/index.ts';
import { decodeSaveBody, readSaveHeader } from '../../protocol/save.ts';
import { decodeContent } from '../shared/commit/content.ts';

/** Header and encoded contents of a body of POST /save. Throws `SyntaxError` or `ZodError` with what is wrong. */
export async function readSaveBody(body: Uint8Array): Promise<ReturnType<typeof readSaveHeader>> {
  const { header, contents } = decodeSaveBody(body);
  try {
    return readSaveHeader(await decodeContent(header, header.hash, header.size), contents);
  } catch (error) {
    if (error instanceof DeltaError) throw new SyntaxError(`the header cannot be decoded: ${error.message}`);
    throw error;
  }
}
