// Kafka's primitive types. Source: Apache Kafka protocol guide, "Protocol Primitive Types".

export interface Reader {
  int8(): number;
  int16(): number;
  int32(): number;
  int64(): number;
  /** Zigzag variable-length integer. */
  varint(): number;
  string(): string | null;
  bytes(): Buffer;
  /** Length as a varint; null where it is negative. */
  varBytes(): Buffer | null;
  array<T>(item: () => T): T[];
  take(size: number): Buffer;
  readonly left: number;
}

/** @throws RangeError where the buffer ends too early */
export function createReader(buffer: Buffer): Reader {
  let at = 0;
  const advance = (size: number): number => {
    if (size < 0 || at + size > buffer.length) throw new RangeError('The message ends too early.');
    at += size;
    return at - size;
  };
  const reader: Reader = {
    int8: () => buffer.readInt8(advance(1)),
    int16: () => buffer.readInt16BE(advance(2)),
    int32: () => buffer.readInt32BE(advance(4)),
    int64: () => Number(buffer.readBigInt64BE(advance(8))),
    varint() {
      let [value, shift] = [0n, 0n];
      for (;;) {
        const byte = buffer.readUInt8(advance(1));
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return Number((value >> 1n) ^ -(value & 1n));
        shift += 7n;
        if (shift > 63n) throw new RangeError('A variable-length integer has more than 64 bits.');
      }
    },
    string() {
      const size = reader.int16();
      return size < 0 ? null : reader.take(size).toString();
    },
    bytes: () => reader.take(Math.max(0, reader.int32())),
    varBytes() {
      const size = reader.varint();
      return size < 0 ? null : reader.take(size);
    },
    array(item) {
      const size = reader.int32();
      // Every item has at least one byte.
      if (size > buffer.length - at) throw new RangeError('An array is longer than its message.');
      return Array.from({ length: Math.max(0, size) }, item);
    },
    take(size) {
      const start = advance(size);
      return buffer.subarray(start, start + size);
    },
    get left() {
      return buffer.length - at;
    },
  };
  return reader;
}

export const int8 = (value: number): Buffer => Buffer.from([value & 0xff]);

export function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

export function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

export function int64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer;
}

export function string(value: string | null): Buffer {
  if (value === null) return int16(-1);
  const text = Buffer.from(value);
  return Buffer.concat([int16(text.length), text]);
}

export const bytes = (value: Buffer): Buffer => Buffer.concat([int32(value.length), value]);

export const array = (items: readonly Buffer[]): Buffer => Buffer.concat([int32(items.length), ...items]);
