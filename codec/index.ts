export { BLOCK_BYTES, blockRanges } from './blocks.ts';
export { applyDelta } from './delta-apply.ts';
export { encodeDelta } from './delta-encode.ts';
export { DeltaError } from './delta-error.ts';
export { fromHex, sha256, toHex } from './hash.ts';
export { encodeDeltaFromSignature, signature } from './signature.ts';
