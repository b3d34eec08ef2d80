import { type BlockRange, cutAround } from '../../codec/index.ts';
import type { FilePool } from '../../codec/node/file-pool.ts';
import type { OldBlock } from '../../codec/node/segment.ts';
import type { Block } from '../../protocol/entry.ts';
import { batched } from '../common/batched.ts';
import { endOf, type Placed, withOffsets } from '../plan/block-offsets.ts';

/** The version of a file before an edit. */
export interface OldVersion {
  readonly blocks: readonly Block[];
  /** Where the content of one of its blocks still lies, if anywhere. */
  readonly placeOf: (hash: string) => OldBlock | undefined;
}

/** Blocks that are read at a time: few at first, since where they are others all that was read is read again. */
const FEWEST_BLOCKS = 4;
const MOST_BLOCKS = 64;
/** Blocks of an edited part that are looked for, one after the other, before it is given up. */
const SOUGHT_BLOCKS = 16;

/**
 * The blocks of an edited file, cut so that it keeps those of its version before, wherever they lie by now; `undefined`
 * when it ended early. What is the same from the start, and up to the end, is found by its hashes, many blocks at a time;
 * what lies between edits is searched for by the content of old blocks, as far as that is at hand.
 *
 * @param onRead told of the bytes of each part that was read
 */
export async function hashEdited(
  file: number,
  size: number,
  old: OldVersion,
  { pool, onRead }: { readonly pool: FilePool; readonly onRead: (bytes: number) => void },
): Promise<Block[] | undefined> {
  const edited = new EditedFile(file, pool, onRead);
  const kept = await new KeptBlocks(edited, size, old).find();
  const ranges = cutAround(size, kept);
  await edited.read(ranges);
  const blocks = ranges.map((range) => ({ hash: edited.hashAt(range), size: range.length }));
  return blocks.some(({ hash }) => hash === undefined) ? undefined : (blocks as Block[]);
}

/** Reads parts of a file, each once. */
class EditedFile {
  readonly file: number;
  readonly pool: FilePool;
  readonly #onRead: (bytes: number) => void;
  /** SHA-256 of what was read; of what ends early, none. */
  readonly #hashes = new Map<string, string | undefined>();

  constructor(file: number, pool: FilePool, onRead: (bytes: number) => void) {
    this.file = file;
    this.pool = pool;
    this.#onRead = onRead;
  }

  hashAt(range: BlockRange): string | undefined {
    return this.#hashes.get(keyOf(range));
  }

  async read(ranges: readonly BlockRange[]): Promise<void> {
    const unread = ranges.filter((range) => !this.#hashes.has(keyOf(range)));
    for (const part of batched(unread, { most: MOST_BLOCKS })) {
      const blocks = await this.pool.blocksOf(this.file, part);
      for (const [index, { hash, size }] of blocks.entries()) {
        const range = part[index]!;
        this.#hashes.set(keyOf(range), size === range.length ? hash : undefined);
      }
      this.#onRead(blocks.reduce((sum, { size }) => sum + size, 0));
    }
  }
}

function keyOf({ offset, length }: BlockRange): string {
  return `${offset} ${length}`;
}

/** Old blocks, by their numbers, of which it is not known where they are, and the part of the file between their neighbours. */
interface Gap {
  readonly first: number;
  readonly after: number;
  readonly from: number;
  readonly to: number;
}

/** Finds out which of its old blocks an edited file has, and where. */
class KeptBlocks {
  readonly #edited: EditedFile;
  readonly #size: number;
  readonly #placeOf: OldVersion['placeOf'];
  readonly #old: readonly Placed[];
  /** By the numbers of the old blocks, where they are now. */
  readonly #offsets: (number | undefined)[];

  constructor(edited: EditedFile, size: number, { blocks, placeOf }: OldVersion) {
    this.#edited = edited;
    this.#size = size;
    this.#placeOf = placeOf;
    this.#old = withOffsets(blocks);
    this.#offsets = blocks.map(() => undefined);
  }

  /** The blocks that it keeps, and cuts that it keeps though what is between them is another, as it is after an overwrite. */
  async find(): Promise<BlockRange[]> {
    const shift = this.#size - this.#oldEnd(this.#old.length);
    if (shift === 0) await this.#matchAll();
    else await this.#matchEnds(shift);
    for (const gap of this.#gaps()) await this.#search(gap);
    if (this.#offsets.every((offset) => offset === undefined)) return [];
    for (const { first, after, from, to } of this.#gaps()) {
      const isAsLong = to - from === this.#oldEnd(after) - this.#oldStart(first);
      if (isAsLong) this.#keep(first, after, from - this.#oldStart(first));
    }
    return this.#old.flatMap(({ size }, number) => {
      const offset = this.#offsets[number];
      return offset === undefined ? [] : [{ offset, length: size }];
    });
  }

  async #matchAll(): Promise<void> {
    await this.#edited.read(this.#old.map((block) => rangeOf(block, 0)));
    for (const [number, block] of this.#old.entries()) if (this.#isAt(block, 0)) this.#offsets[number] = block.offset;
  }

  async #matchEnds(shift: number): Promise<void> {
    const count = this.#old.length;
    const after = await this.#forwards({ first: 0, after: count, from: 0, to: this.#size }, 0);
    const rest = { first: after, after: count, from: this.#oldEnd(after), to: this.#size };
    await this.#backwards(rest, shift);
  }

  /** Parts of the file whose old blocks, if there were any, were not found yet. */
  #gaps(): Gap[] {
    const gaps: Gap[] = [];
    let [first, from] = [0, 0];
    const close = (after: number, to: number): void => {
      if (after > first && to > from) gaps.push({ first, after, from, to });
    };
    for (const [number, offset] of this.#offsets.entries()) {
      if (offset === undefined) continue;
      close(number, offset);
      first = number + 1;
      from = offset + this.#old[number]!.size;
    }
    close(this.#old.length, this.#size);
    return gaps;
  }

  /** Looks for the old blocks of a gap in it: for one that moved, then for those around it, which moved as far. */
  async #search({ first, after, from, to }: Gap): Promise<void> {
    const isOverwritten = after - first === 1 && to - from === this.#old[first]!.size;
    if (isOverwritten) return;
    const sought = [];
    for (let number = first; number < after && sought.length < SOUGHT_BLOCKS; number++) {
      const { hash } = this.#old[number]!;
      const place = this.#placeOf(hash);
      if (place) sought.push({ number, hash, place });
    }
    if (sought.length === 0) return;
    const { file, pool } = this.#edited;
    const found = await pool.find({ file, from, to, sought });
    if (!found) return;
    const { number, offset } = found;
    const shift = offset - this.#old[number]!.offset;
    this.#offsets[number] = offset;
    await this.#backwards({ first, after: number, from, to: offset }, shift);
    const rest = { after, from: offset + this.#old[number]!.size, to };
    const next = await this.#forwards({ first: number + 1, ...rest }, shift);
    await this.#search({ ...rest, first: next, from: this.#oldEnd(next) + shift });
  }

  /** Keeps blocks of a gap, from its first on, as long as they lie `shift` bytes further on. Returns the first that does not. */
  async #forwards({ first, after, to }: Gap, shift: number): Promise<number> {
    for (let [at, count] = [first, FEWEST_BLOCKS]; ; count *= 2) {
      const part = this.#old.slice(at, Math.min(after, at + count)).filter((block) => endOf(block) + shift <= to);
      if (part.length === 0) return at;
      await this.#edited.read(part.map((block) => rangeOf(block, shift)));
      for (const block of part) {
        if (!this.#isAt(block, shift)) return at;
        this.#offsets[at++] = block.offset + shift;
      }
    }
  }

  /** As `forwards`, from its last block back. */
  async #backwards({ first, after, from }: Gap, shift: number): Promise<void> {
    for (let [at, count] = [after, FEWEST_BLOCKS]; ; count *= 2) {
      const part = this.#old.slice(Math.max(first, at - count), at).filter(({ offset }) => offset + shift >= from);
      if (part.length === 0) return;
      await this.#edited.read(part.map((block) => rangeOf(block, shift)));
      for (const block of part.reverse()) {
        if (!this.#isAt(block, shift)) return;
        this.#offsets[--at] = block.offset + shift;
      }
    }
  }

  #keep(first: number, after: number, shift: number): void {
    for (let number = first; number < after; number++) this.#offsets[number] = this.#old[number]!.offset + shift;
  }

  #isAt(block: Placed, shift: number): boolean {
    return this.#edited.hashAt(rangeOf(block, shift)) === block.hash;
  }

  #oldStart(number: number): number {
    return this.#old[number]!.offset;
  }

  /** Where the old block before this number ended. */
  #oldEnd(after: number): number {
    return after === 0 ? 0 : endOf(this.#old[after - 1]!);
  }
}

function rangeOf({ offset, size }: Placed, shift: number): BlockRange {
  return { offset: offset + shift, length: size };
}
