/* Writes vectors.json: `node test/codec/write-vectors.ts`, after a change of a format and of its version. */
import { writeFileSync } from 'node:fs';
import { encodeDelta, signature } from '../../codec/index.ts';
import { vectorInputs, vectorSeed } from './vector-inputs.ts';

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const vectors = {
  deltas: Object.fromEntries(vectorInputs.map(({ name, base, target }) => [name, base64(encodeDelta(base, target))])),
  signature: base64(signature(vectorInputs[0]!.base, { chunkSize: 512, seed: vectorSeed })),
};
writeFileSync(new URL('vectors.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`);
