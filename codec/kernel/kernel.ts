/* What the WebAssembly module exports, and what the same sources offer without WebAssembly. */
export { apply, encode } from './delta.ts';
