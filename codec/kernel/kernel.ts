/* What the WebAssembly module exports, and what the same sources offer without WebAssembly. */
export { apply, encode, encodeFromSignature } from './delta.ts';
export { sign } from './signature.ts';
