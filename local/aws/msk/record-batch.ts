import { gunzipSync } from 'node:zlib';
import { createReader, type Reader } from './wire.ts';

// Record batch, magic 2. Source: Apache Kafka documentation, "Message Format". Layout of a batch:
//   baseOffset i64, batchLength i32, partitionLeaderEpoch i32, magic i8, crc u32 (CRC-32C of all that follows),
//   attributes i16, lastOffsetDelta i32, firstTimestamp i64, maxTimestamp i64, producerId i64, producerEpoch i16,
//   baseSequence i32, count i32, records
// and of a record: length varint, attributes i8, timestampDelta varint, offsetDelta varint, key, value, headers.

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

/** CRC-32C (Castagnoli), RFC 3720 appendix B.4. */
function crc32c(buffer: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of buffer) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

interface AppendRecord {
  readonly key: Buffer | null;
  readonly value: Buffer;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

export interface RecordBatch {
  /** -1 where the producer is not idempotent. */
  readonly producerId: number;
  readonly baseSequence: number;
  readonly records: readonly AppendRecord[];
}

export class CorruptBatch extends Error {}
export class UnsupportedBatch extends Error {}

function readRecord(reader: Reader, firstTimestamp: number): AppendRecord {
  const record = createReader(reader.take(reader.varint()));
  record.int8();
  const timestamp = firstTimestamp + record.varint();
  record.varint(); // offsetDelta: the stream gives offsets itself, in this order
  const key = record.varBytes();
  // Headers follow; the stream keeps none, and no producer of this system sends any.
  return { key, value: record.varBytes() ?? Buffer.alloc(0), timestamp };
}

/** @throws CorruptBatch for a wrong checksum or a short batch, UnsupportedBatch for another format or compression */
export function readRecordBatch(recordSet: Buffer): RecordBatch {
  try {
    const reader = createReader(recordSet);
    reader.int64();
    const batch = reader.take(reader.int32());
    if (reader.left > 0) throw new UnsupportedBatch('One batch per partition and request.');
    const head = createReader(batch);
    head.int32();
    if (head.int8() !== 2) throw new UnsupportedBatch('Only record batches of magic 2.');
    const crc = head.int32() >>> 0;
    if (crc !== crc32c(batch.subarray(9))) throw new CorruptBatch('The checksum of the batch is wrong.');
    const compression = head.int16() & 7;
    if (compression > 1) throw new UnsupportedBatch('Only uncompressed and gzip batches.');
    head.int32();
    const firstTimestamp = head.int64();
    head.int64();
    const producerId = head.int64();
    head.int16();
    const baseSequence = head.int32();
    const count = head.int32();
    const rest = head.take(head.left);
    const records = createReader(compression === 1 ? gunzipSync(rest) : rest);
    if (count > records.left) throw new CorruptBatch('The batch promises more records than it holds.');
    const read = Array.from({ length: count }, () => readRecord(records, firstTimestamp));
    return { producerId, baseSequence, records: read };
  } catch (error) {
    if (error instanceof UnsupportedBatch) throw error;
    throw new CorruptBatch('The batch cannot be read.', { cause: error });
  }
}
