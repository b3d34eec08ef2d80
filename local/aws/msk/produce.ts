import { reason } from '../../errors.ts';
import type { Log, Principal } from '../../types.ts';
import type { Access } from '../access.ts';
import type { TopicStream } from '../stream/topics.ts';
import type { Msk } from './cluster.ts';
import { CorruptBatch, readRecordBatch, UnsupportedBatch } from './record-batch.ts';
import { array, int16, int32, int64, type Reader, string } from './wire.ts';

/** Kafka's error codes, as far as this front answers them. */
export const KAFKA = {
  none: 0,
  unknownServer: -1,
  corruptMessage: 2,
  unknownTopic: 3,
  topicDenied: 29,
  clusterDenied: 31,
  unsupportedMechanism: 33,
  illegalSaslState: 34,
  unsupportedVersion: 35,
  unsupportedFormat: 43,
  authenticationFailed: 58,
} as const;

export interface Session {
  readonly stream: TopicStream;
  readonly msk: Msk;
  readonly access: Access;
  readonly log: Log;
  /** The last sequence and base offset of each idempotent producer, by producer, topic and partition. */
  readonly sequences: Map<string, { sequence: number; offset: number }>;
  principal: Principal | undefined;
}

export function allowed(session: Session, action: string, resource: string): boolean {
  try {
    if (!session.principal) return false;
    session.access.demand(session.principal, action, resource);
    return true;
  } catch {
    return false; // the cloud's log has the reason; Kafka's protocol has a code only
  }
}

async function append(session: Session, topic: string, partition: number, recordSet: Buffer): Promise<number> {
  const batch = readRecordBatch(recordSet);
  const name = `${batch.producerId}/${topic}/${partition}`;
  const last = batch.producerId < 0 ? undefined : session.sequences.get(name);
  if (last?.sequence === batch.baseSequence) return last.offset; // the retry of a batch whose answer was lost
  const offset = await session.stream.append(topic, partition, batch.records);
  if (batch.producerId >= 0) session.sequences.set(name, { sequence: batch.baseSequence, offset });
  return offset;
}

function errorCode(error: unknown): number {
  if (error instanceof CorruptBatch) return KAFKA.corruptMessage;
  if (error instanceof UnsupportedBatch) return KAFKA.unsupportedFormat;
  return KAFKA.unknownServer;
}

/**
 * Produce v3: transactional_id, acks, timeout, [topic [partition records]] is answered with
 * [topic [partition error_code base_offset log_append_time]] throttle_time_ms. Answers nothing where acks is 0.
 */
export async function produce(session: Session, reader: Reader): Promise<Buffer | undefined> {
  reader.string();
  const acks = reader.int16();
  reader.int32();
  const topics = reader.array(() => ({
    topic: reader.string() ?? '',
    partitions: reader.array(() => ({ partition: reader.int32(), recordSet: reader.bytes() })),
  }));
  const answers: Buffer[] = [];
  for (const { topic, partitions } of topics) {
    const count = session.stream.partitions(topic) ?? 0;
    const write = allowed(session, 'kafka-cluster:WriteData', session.msk.topicArn(topic));
    const rows: Buffer[] = [];
    for (const { partition, recordSet } of partitions) {
      let [code, offset]: [number, number] = [write ? KAFKA.none : KAFKA.topicDenied, -1];
      if (write && partition >= count) code = KAFKA.unknownTopic;
      if (code === KAFKA.none) {
        try {
          offset = await append(session, topic, partition, recordSet);
        } catch (error) {
          session.log(`msk: ${topic}-${partition}: ${reason(error)}`);
          code = errorCode(error);
        }
      }
      rows.push(Buffer.concat([int32(partition), int16(code), int64(offset), int64(-1)]));
    }
    answers.push(Buffer.concat([string(topic), array(rows)]));
  }
  return acks === 0 ? undefined : Buffer.concat([array(answers), int32(0)]);
}
