import { EventEmitter, once } from 'node:events';
import type { Pool } from 'pg';
import { reason } from '../../errors.ts';
import type { Log, StreamRecord } from '../../types.ts';
import { runConsumer, type Source } from './consumer.ts';
import type { TopicStream } from './topics.ts';

const SCHEMA = `
CREATE SCHEMA IF NOT EXISTS local_stream;
CREATE TABLE IF NOT EXISTS local_stream.topics (
  topic text PRIMARY KEY, partitions int NOT NULL, retention_ms bigint NOT NULL);
CREATE TABLE IF NOT EXISTS local_stream.partitions (
  topic text NOT NULL, partition int NOT NULL, next_offset bigint NOT NULL DEFAULT 0, PRIMARY KEY (topic, partition));
CREATE TABLE IF NOT EXISTS local_stream.records (
  topic text NOT NULL, partition int NOT NULL, record_offset bigint NOT NULL, time_ms bigint NOT NULL,
  key bytea, value bytea NOT NULL, PRIMARY KEY (topic, partition, record_offset));
CREATE TABLE IF NOT EXISTS local_stream.positions (
  consumer_group text NOT NULL, topic text NOT NULL, partition int NOT NULL, next_offset bigint NOT NULL,
  PRIMARY KEY (consumer_group, topic, partition));
`;

const CREATE_TOPIC = `
WITH topic AS (
  INSERT INTO local_stream.topics (topic, partitions, retention_ms) VALUES ($1, $2, $3)
  ON CONFLICT (topic) DO UPDATE
    SET partitions = greatest(topics.partitions, excluded.partitions), retention_ms = excluded.retention_ms)
INSERT INTO local_stream.partitions (topic, partition) SELECT $1, generate_series(0, $2::int - 1) ON CONFLICT DO NOTHING`;

// One statement, so one transaction: the row lock of the partition keeps offsets contiguous and in commit order.
const APPEND = `
WITH base AS (
  UPDATE local_stream.partitions SET next_offset = next_offset + cardinality($3::bigint[])
  WHERE topic = $1 AND partition = $2 RETURNING next_offset - cardinality($3::bigint[]) AS first),
added AS (
  INSERT INTO local_stream.records (topic, partition, record_offset, time_ms, key, value)
  SELECT $1, $2, base.first + r.place - 1, r.time_ms, r.key, r.value
  FROM base, unnest($3::bigint[], $4::bytea[], $5::bytea[]) WITH ORDINALITY AS r (time_ms, key, value, place))
SELECT first FROM base`;

// A group starts at the end or at the oldest kept record, once; partitions added later are read from their start.
const JOIN = `
INSERT INTO local_stream.positions (consumer_group, topic, partition, next_offset)
SELECT $1, topic, partition, CASE WHEN $3 AND NOT EXISTS
    (SELECT FROM local_stream.positions WHERE consumer_group = $1 AND topic = $2) THEN next_offset ELSE 0 END
FROM local_stream.partitions WHERE topic = $2 ON CONFLICT DO NOTHING`;

// Ordered by the distance from the position: a batch holds a gap-free beginning of every partition, and takes turns.
const FETCH = `
SELECT r.partition, r.record_offset, r.time_ms, r.key, r.value
FROM local_stream.positions p
JOIN local_stream.partitions e ON e.topic = p.topic AND e.partition = p.partition AND e.next_offset > p.next_offset
CROSS JOIN LATERAL (
  SELECT * FROM local_stream.records r WHERE r.topic = p.topic AND r.partition = p.partition
    AND r.record_offset >= p.next_offset ORDER BY r.record_offset LIMIT $3) r
WHERE p.consumer_group = $1 AND p.topic = $2
ORDER BY r.record_offset - p.next_offset, r.partition LIMIT $3`;

const COMMIT = `
UPDATE local_stream.positions p SET next_offset = done.next_offset
FROM (SELECT partition, max(record_offset) + 1 AS next_offset
      FROM unnest($3::int[], $4::bigint[]) AS d (partition, record_offset) GROUP BY partition) done
WHERE p.consumer_group = $1 AND p.topic = $2 AND p.partition = done.partition`;

const EXPIRE = `
DELETE FROM local_stream.records r USING local_stream.topics t
WHERE r.topic = t.topic AND t.retention_ms >= 0 AND r.time_ms < $1 - t.retention_ms`;

const EXPIRE_EVERY_MS = 60 * 60_000;

interface Row {
  readonly partition: number;
  readonly record_offset: string;
  readonly time_ms: string;
  readonly key: Buffer | null;
  readonly value: Buffer;
}

/** What one group reads of a topic; `appended` emits the topic's name when there may be more. */
function sourceOf(pool: Pool, appended: EventEmitter, topic: string, group: string): Source {
  return {
    async fetch(maxRecords) {
      const result = await pool.query<Row>(FETCH, [group, topic, maxRecords]);
      return inOrder(
        result.rows.map(({ partition, record_offset, time_ms, key, value }) => {
          return { topic, partition, offset: Number(record_offset), timestamp: Number(time_ms), key, value };
        }),
      );
    },
    async commit(records) {
      const columns = [records.map((record) => record.partition), records.map((record) => record.offset)];
      await pool.query(COMMIT, [group, topic, ...columns]);
    },
    async wait(signal) {
      await once(appended, topic, { signal }).catch(() => undefined);
    },
  };
}

/**
 * The sync stream as tables in the schema `local_stream`. Appends and reads go through this process, so a consumer is
 * woken in memory, without polling.
 */
export async function openPostgresStream(pool: Pool, log: Log): Promise<TopicStream> {
  await pool.query(SCHEMA);
  const { rows } = await pool.query<{ topic: string; partitions: number }>(
    'SELECT topic, partitions FROM local_stream.topics',
  );
  const topics = new Map(rows.map((row) => [row.topic, row.partitions]));
  const appended = new EventEmitter().setMaxListeners(0);
  const consumers = new Set<{ stop(): Promise<void> }>();
  const expire = (): void => {
    pool.query(EXPIRE, [Date.now()]).catch((error: unknown) => log(`stream: retention failed: ${reason(error)}`));
  };
  const timer = setInterval(expire, EXPIRE_EVERY_MS).unref();
  expire();

  return {
    partitions: (topic) => topics.get(topic),
    async createTopic({ name, partitions, retentionMs }) {
      await pool.query(CREATE_TOPIC, [name, partitions, retentionMs]);
      topics.set(name, Math.max(partitions, topics.get(name) ?? 0));
    },
    async append(topic, partition, records) {
      const columns = [
        records.map((record) => record.timestamp),
        records.map((record) => record.key),
        records.map((record) => record.value),
      ];
      const result = await pool.query<{ first: string }>(APPEND, [topic, partition, ...columns]);
      if (!result.rows[0]) throw new Error(`There is no partition ${partition} of the topic ${topic}.`);
      appended.emit(topic);
      return Number(result.rows[0].first);
    },
    async consume({ topic, group, from, ...options }, handler) {
      if (!topics.has(topic)) throw new Error(`There is no topic ${topic} to consume.`);
      await pool.query(JOIN, [group, topic, from === 'LATEST']);
      const report = (error: unknown): void => log(`stream: a batch of ${topic} comes again: ${reason(error)}`);
      const consumer = runConsumer(sourceOf(pool, appended, topic, group), options, handler, report);
      consumers.add(consumer);
      return consumer;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
    },
  };
}

function inOrder(records: StreamRecord[]): StreamRecord[] {
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
