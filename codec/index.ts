export { BLOCK_BYTES, type BlockRange, blockRanges } from './blocks.ts';
export { cutAround } from './cut.ts';
export { applyDelta } from './delta-apply.ts';
export { encodeDelta } from './delta-encode.ts';
export { DeltaError } from './delta-error.ts';
export { targetSizeOf } from './delta-header.ts';
export { fromHex, sha256, toHex } from './hash.ts';
export { encodeDeltaFromSignature, signature } from './signature.ts';
