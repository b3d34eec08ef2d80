/* What a worker does with a run of blocks: reads them straight into the kernel's memory, hashes and encodes them there. */
import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BLOCK_BYTES } from '../blocks.ts';
import { assemble } from '../delta-encode.ts';
import { BASE, TARGET } from '../kernel/layout.ts';
import { kernel } from '../kernel-host.ts';

/** Blocks `first` to `first + count - 1` of the file at `path`, against the file at `basePath`. */
export interface Segment {
  readonly path: string;
  readonly first: number;
  readonly count: number;
  /** Where the file's old version is; without it the blocks are hashed only. */
  readonly basePath?: string | undefined;
  /** SHA-256 of blocks that need no delta, in lower-case hex. */
  readonly known: ReadonlySet<string>;
}

interface BlockDelta {
  readonly bytes: Uint8Array;
  /** The base: that many blocks of the old file from `first` on. */
  readonly first: number;
  readonly count: number;
}

export interface FileBlock {
  /** SHA-256 in lower-case hex. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
  readonly delta?: BlockDelta;
}

/** Throws what opening and reading the files throws. A file that was cut off meanwhile has fewer or smaller blocks. */
export function readSegment({ path, first, count, basePath, known }: Segment): FileBlock[] {
  const file = openSync(path, 'r');
  const base = basePath === undefined ? undefined : openBase(basePath);
  try {
    const { memory } = kernel();
    const blocks: FileBlock[] = [];
    for (let index = first; index < first + count; index++) {
      const size = readFully(file, memory, TARGET, BLOCK_BYTES, index * BLOCK_BYTES);
      if (size === 0) break;
      const digest = hash('sha256', memory.subarray(TARGET, TARGET + size), 'hex');
      const delta = known.has(digest) ? undefined : base?.encode(index, size);
      blocks.push({ hash: digest, size, ...(delta && { delta }) });
    }
    return blocks;
  } finally {
    closeSync(file);
    base?.close();
  }
}

/** The old version, of which a block and its neighbours are kept at BASE and moved along. */
function openBase(path: string): { encode(index: number, size: number): BlockDelta | undefined; close(): void } {
  const file = openSync(path, 'r');
  const lastBlock = Math.ceil(fstatSync(file).size / BLOCK_BYTES) - 1;
  const machine = kernel();
  let from = 0;
  let to = 0;
  let bytes = 0;

  function hold(first: number, after: number): void {
    const kept = Math.max(0, Math.min(to, after) - first);
    if (first < from || kept === 0) {
      bytes = 0;
      to = first;
    } else if (first > from) {
      const dropped = (first - from) * BLOCK_BYTES;
      machine.memory.copyWithin(BASE, BASE + dropped, BASE + bytes);
      bytes -= dropped;
    }
    from = first;
    for (; to < after; to++) {
      bytes += readFully(file, machine.memory, BASE + bytes, BLOCK_BYTES, to * BLOCK_BYTES);
    }
  }

  return {
    encode(index, size) {
      const first = Math.max(0, index - 1);
      const after = Math.min(lastBlock, index + 1) + 1;
      if (first >= after) return undefined;
      hold(first, after);
      const bodyBytes = machine.encode(bytes, size);
      const delta = assemble(machine, bodyBytes, { baseSize: bytes, targetSize: size });
      return { bytes: delta, first, count: after - first };
    },
    close: () => closeSync(file),
  };
}

function readFully(file: number, memory: Uint8Array, at: number, length: number, position: number): number {
  let filled = 0;
  while (filled < length) {
    const read = readSync(file, memory, at + filled, length - filled, position + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}
