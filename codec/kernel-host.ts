import { kernelModule } from './assembly/module.ts';
import {
  addCopy,
  addWindow,
  encode,
  encodeFromSignature,
  equalChunks,
  finishWindows,
  parse,
  prepareKey,
  readLiterals,
  rebuild,
  sign,
  startWindows,
} from './kernel/kernel.ts';
import { BODY_AT, MEMORY_BYTES } from './kernel/layout.ts';
import { useMemory } from './kernel/machine.ts';

/** The kernel's functions and the memory they work in; codec/kernel/layout.ts has the addresses. */
export interface Kernel {
  readonly memory: Uint8Array;
  /** Writes the delta's body and returns its bytes; `bodyOf` finds them. */
  encode(baseSize: number, targetSize: number): number;
  /** The same when only windows of base and target are in memory, one after the other; see codec/kernel/windows.ts. */
  startWindows(): void;
  addCopy(from: number, bytes: number): void;
  addWindow(baseSize: number, baseFrom: number, baseBytes: number, targetBytes: number, equalAfter: number): boolean;
  finishWindows(): number;
  /**
   * The same for a base of which the signature's entries and seed are in memory, and a target without `prefix` chunks at
   * its start and `suffix` bytes at its end that are those of the base.
   */
  encodeFromSignature(baseSize: number, targetSize: number, chunkSize: number, prefix: number, suffix: number): number;
  /** Expands the seed in memory to the key that `sign` and `equalChunks` need. */
  prepareKey(chunkSize: number): void;
  /** How many whole chunks at TARGET, from their start or end on, equal those of the signature from `entry` on. */
  equalChunks(bytes: number, chunkSize: number, entry: number, fromEnd: boolean): number;
  /** Writes the entries of the chunks in the `bytes` bytes at BASE, from `entry` of the signature on. */
  sign(bytes: number, chunkSize: number, entry: number): void;
  /** Reads the instructions of the delta's body at DELTA; their number, or a code of codec/kernel/errors.ts. */
  parse(baseSize: number, targetSize: number, bodyBytes: number): number;
  /** Reads the literals of `count` instructions; their address, or a code of codec/kernel/errors.ts. */
  readLiterals(count: number, baseSize: number): number;
  /** Writes the target to TARGET. Returns 0 or a code of codec/kernel/errors.ts. */
  rebuild(count: number, literalsAt: number): number;
}

let wasm: Kernel | undefined;
let plain: Kernel | undefined;

/** The fastest kernel that this engine can run. There is one per thread, and its memory is reused by every call. */
export function kernel(): Kernel {
  return wasmKernel() ?? plainKernel();
}

/** The kernel in WebAssembly, or `undefined` where WebAssembly or its SIMD instructions are missing. */
export function wasmKernel(): Kernel | undefined {
  if (wasm || typeof WebAssembly === 'undefined') return wasm;
  const module = compile(fromBase64(kernelModule));
  if (!module) return undefined;
  const { exports } = new WebAssembly.Instance(module);
  const memory = exports.memory as WebAssembly.Memory;
  wasm = { ...(exports as unknown as Omit<Kernel, 'memory'>), memory: new Uint8Array(memory.buffer) };
  return wasm;
}

/** `Uint8Array.from` with a callback takes 3 ms here, half of a first call. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** Asking first whether it compiles would take as long again. */
function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}

/** The same sources run as TypeScript, with identical results. */
export function plainKernel(): Kernel {
  if (!plain) {
    const memory = new ArrayBuffer(MEMORY_BYTES);
    useMemory(memory);
    plain = {
      memory: new Uint8Array(memory),
      addCopy,
      addWindow,
      encode,
      encodeFromSignature,
      equalChunks,
      finishWindows,
      prepareKey,
      sign,
      parse,
      readLiterals,
      rebuild,
      startWindows,
    };
  }
  return plain;
}

/** The `bytes` bytes that the last call of `encode` wrote, until the next call. */
export function bodyOf({ memory }: Kernel, bytes: number): Uint8Array {
  const at = numberAt(memory, BODY_AT);
  return memory.subarray(at, at + bytes);
}

/** The 4-byte number at an address of codec/kernel/layout.ts. */
export function numberAt(memory: Uint8Array, address: number): number {
  return memory[address]! | (memory[address + 1]! << 8) | (memory[address + 2]! << 16) | (memory[address + 3]! << 24);
}
