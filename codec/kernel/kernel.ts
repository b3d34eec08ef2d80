/* What the WebAssembly module exports, and what the same sources offer without WebAssembly. */
export { encode, encodeFromSignature, parse, readLiterals, rebuild } from './delta.ts';
export { equalChunks, prepareKey, sign } from './signature.ts';
export { addCopy, addWindow, finishWindows, startWindows } from './windows.ts';
