/* What a thread does with some blocks of a file. It reads into buffers that it keeps: fresh ones cost as much as the hash. */
import { hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { BLOCK_BYTES, type BlockRange } from '../blocks.ts';
import { assemble, encodeDelta } from '../delta-encode.ts';
import { BASE, TARGET } from '../kernel/layout.ts';
import { kernel } from '../kernel-host.ts';
import { deltaFromSketch, sketchOf } from './sketch.ts';

/** Where a block of the old version can be read, or a sketch of it. */
export interface OldBlock {
  readonly path: string;
  readonly offset: number;
  /** Bytes of the block, at most BLOCK_BYTES. */
  readonly size: number;
  /** Whether the file at `path` is its sketch (`sketchOf`). */
  readonly isSketch?: boolean;
}

/** A block to read. */
export interface WantedBlock extends BlockRange {
  /** Number of the old block that it is made from, if any; that need not be at hand, as long as a neighbour is. */
  readonly from?: number;
}

export interface Segment {
  /** Descriptor of the file. It belongs to the process, so that every thread reads the very file that was opened. */
  readonly file: number;
  readonly blocks: readonly WantedBlock[];
  /** Blocks of the old version by their numbers, for deltas; without them the blocks are hashed only. */
  readonly old?: ReadonlyMap<number, OldBlock> | undefined;
  /** Whether a sketch of each is wanted. */
  readonly isSketched?: boolean;
}

interface BlockDelta {
  readonly bytes: Uint8Array;
  /** The base: that many blocks of the old version from `first` on. */
  readonly first: number;
  readonly count: number;
}

export interface FileBlock {
  /** SHA-256 in lower-case hex. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
  /** Absent when no old block is at hand or the delta is hardly shorter than the block. */
  readonly delta?: BlockDelta;
  /** When it was asked for. */
  readonly sketch?: Uint8Array;
}

/** A delta this short, and this short a part of its block, is not worth a second attempt with the neighbours. */
const GOOD_ENOUGH_BYTES = 512;
const GOOD_ENOUGH = 0.1;
/** A delta longer than this part of its block is not worth the work of applying it. */
const WORTHWHILE = 0.7;

let target: Buffer | undefined;
let same: Buffer | undefined;

/** Throws what reading the file throws. Blocks beyond the file's end are empty, the one at its end is short. */
export function readSegment({ file, blocks, old, isSketched = false }: Segment): FileBlock[] {
  target ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
  const buffer = target;
  const around = old && new Neighbourhood(new Map([...old].filter(([, { isSketch }]) => !isSketch)));
  return blocks.map(({ offset, length, from }) => {
    const size = readFully(file, buffer, 0, length, offset);
    const bytes = buffer.subarray(0, size);
    const digest = hash('sha256', bytes, 'hex');
    const delta = from === undefined ? undefined : (fromSketch(bytes, from, old) ?? around?.delta(bytes, from));
    return { hash: digest, size, ...(delta && { delta }), ...(isSketched && { sketch: sketchOf(bytes) }) };
  });
}

function fromSketch(bytes: Uint8Array, number: number, old: Segment['old']): BlockDelta | undefined {
  const block = old?.get(number);
  const delta = block?.isSketch ? deltaFromSketch(block.path, block.size, bytes) : undefined;
  return delta && delta.length <= WORTHWHILE * bytes.length ? { bytes: delta, first: number, count: 1 } : undefined;
}

/**
 * The old blocks that a base around one of them has: those up to a block's length away that are at hand back to back, so
 * that it is no longer than three blocks of full length.
 */
export function basesAround(old: ReadonlyMap<number, OldBlock>, number: number): { first: number; count: number } {
  const middle = [number, number - 1, number + 1].find((candidate) => old.has(candidate));
  if (middle === undefined) return { first: number, count: 0 };
  const reach = (step: number): number => {
    let last = middle;
    let bytes = 0;
    for (let next = middle + step; old.has(next); next += step) {
      bytes += old.get(next)!.size;
      if (bytes > BLOCK_BYTES) break;
      last = next;
    }
    return last;
  };
  const first = reach(-1);
  return { first, count: reach(1) - first + 1 };
}

/** Old blocks around one place, read straight into the kernel's memory and moved along from block to block. */
class Neighbourhood {
  readonly #old: ReadonlyMap<number, OldBlock>;
  #first = 0;
  /** Sizes of the blocks from `#first` on that lie back to back at BASE. */
  #sizes: number[] = [];

  constructor(old: ReadonlyMap<number, OldBlock>) {
    this.#old = old;
  }

  /**
   * A delta from the old block, which costs least to apply, or from it and its neighbours. When those are in memory
   * already, the block before was not content with less, and neither will this one be.
   */
  delta(bytes: Uint8Array, number: number): BlockDelta | undefined {
    const narrow = this.#holds(number) ? undefined : this.#fromSame(bytes, number);
    const alone = basesAround(this.#old, number).count === 1;
    const goodEnough = alone ? Infinity : Math.min(GOOD_ENOUGH_BYTES, GOOD_ENOUGH * bytes.length);
    const wide = narrow && narrow.bytes.length <= goodEnough ? undefined : this.#fromAll(bytes, number);
    const best = narrow && (!wide || narrow.bytes.length <= wide.bytes.length) ? narrow : wide;
    return best && best.bytes.length <= WORTHWHILE * bytes.length ? best : undefined;
  }

  #fromSame(bytes: Uint8Array, number: number): BlockDelta | undefined {
    same ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
    const size = readOld(this.#old.get(number), same, 0);
    // What is in the kernel's memory gives way.
    this.#sizes = [];
    return size > 0 ? { bytes: encodeDelta(same.subarray(0, size), bytes), first: number, count: 1 } : undefined;
  }

  #fromAll(bytes: Uint8Array, number: number): BlockDelta | undefined {
    const { first, count: most } = basesAround(this.#old, number);
    this.#hold(first, first + most);
    const count = this.#sizes.length;
    if (count === 0) return undefined;
    const machine = kernel();
    machine.memory.set(bytes, TARGET);
    const baseSize = sum(this.#sizes);
    const bodyBytes = machine.encode(baseSize, bytes.length);
    return { bytes: assemble(machine, bodyBytes, { baseSize, targetSize: bytes.length }), first, count };
  }

  #holds(number: number): boolean {
    return number >= this.#first && number < this.#first + this.#sizes.length;
  }

  #hold(first: number, after: number): void {
    const { memory } = kernel();
    const dropped = this.#holds(first) ? sum(this.#sizes.splice(0, first - this.#first)) : sum(this.#sizes.splice(0));
    this.#first = first;
    this.#sizes.splice(after - first);
    const kept = sum(this.#sizes);
    if (dropped > 0 && kept > 0) memory.copyWithin(BASE, BASE + dropped, BASE + dropped + kept);
    while (this.#first + this.#sizes.length < after) {
      const size = readOld(this.#old.get(first + this.#sizes.length), memory, BASE + sum(this.#sizes));
      if (size === 0) break;
      this.#sizes.push(size);
    }
  }
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}

/** Bytes of the old block, put into `buffer`: all, or none when it cannot be read. */
export function readOld(place: OldBlock | undefined, buffer: Uint8Array, at: number): number {
  if (!place) return 0;
  let file: number | undefined;
  try {
    file = openSync(place.path, 'r');
    return readFully(file, buffer, at, place.size, place.offset) === place.size ? place.size : 0;
  } catch {
    return 0;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Bytes read: fewer than `length` at the file's end. */
export function readFully(file: number, buffer: Uint8Array, at: number, length: number, position: number): number {
  let filled = 0;
  while (filled < length) {
    const read = readSync(file, buffer, at + filled, length - filled, position + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}
