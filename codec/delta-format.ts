/*
 * A delta, version 1:
 *
 *   version    1 byte, 1
 *   base size  varint, bytes
 *   size       varint, bytes of the target
 *   ops        until `size` bytes are written, nothing after:
 *     INSERT   varint 2 * length,     then `length` bytes
 *     COPY     varint 2 * length + 1, then a zigzag varint: offset in the base less the end of the previous COPY
 *
 * Varints are LEB128, at most 5 bytes, and never longer than needed. The target's hash is not inside: whoever applies
 * a delta has to know it from a source that the delta's author does not control.
 */

export const DELTA_VERSION = 1;

/** A delta that is malformed, or does not produce the content that was declared for it. */
export class DeltaError extends Error {
  override readonly name = 'DeltaError';
}

/** Appends bytes and varints to a buffer that grows by doubling. */
export class DeltaWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads what `DeltaWriter` wrote; throws `DeltaError` at the first byte that cannot be right. */
export class DeltaReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#offset];
    if (value === undefined) throw new DeltaError(`the delta ends at byte ${this.#offset}, inside an instruction`);
    this.#offset++;
    return value;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw new DeltaError(`an overlong number ends at byte ${this.#offset}`);
        return value;
      }
    }
    throw new DeltaError(`a number of more than 5 bytes ends at byte ${this.#offset}`);
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#offset) {
      throw new DeltaError(`an INSERT of ${length} bytes at byte ${this.#offset} runs past the end of the delta`);
    }
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }
}
