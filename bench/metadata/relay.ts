import { randomBytes, randomUUID } from 'node:crypto';
import { drainShards } from '../../lambdas/relay/drain.ts';
import { toEvent } from '../../lambdas/shared/commit/event.ts';
import { median } from '../statistics.ts';
import type { Metadata } from './service.ts';

/** Events of a turn: of one, and of as many as a turn takes. */
const TURNS = [1, 500];
const EVENTS = 5_000;
const RUNS = 3;

export interface RelayRate {
  /** Events that waited when each turn began. */
  readonly turn: number;
  /** Of one shard, which has one relay at a time. */
  readonly eventsPerSecond: number;
  /** Of an event, in milliseconds, in the function. */
  readonly cpu: number;
}

/** How fast one relay empties the outbox of its shard, where the brokers take no time at all. */
export async function measureRelay(metadata: Metadata): Promise<RelayRate[]> {
  const rates: RelayRate[] = [];
  for (const turn of TURNS) {
    const runs: Spent[] = [];
    for (let run = 0; run <= RUNS; run++) runs.push(await drained(metadata, turn));
    // The first one warms up.
    const measured = runs.slice(1);
    rates.push({
      turn,
      eventsPerSecond: 1 / median(measured.map(({ seconds }) => seconds)),
      cpu: median(measured.map(({ cpu }) => cpu)),
    });
  }
  return rates;
}

/** Of an event. */
interface Spent {
  readonly seconds: number;
  /** In milliseconds, in the function. */
  readonly cpu: number;
}

/** Fills the outbox with a turn's events and has it emptied, again and again. */
async function drained({ databases, pool }: Metadata, turn: number): Promise<Spent> {
  const userId = randomUUID();
  const shard = databases.shardOf(userId);
  const publisher = { publish: async (events: readonly unknown[]) => void JSON.stringify(events) };
  const events = Math.min(EVENTS, 200 * turn);
  let [seconds, cpu] = [0, 0];
  for (let left = events; left > 0; left -= turn) {
    await pool.query(
      `insert into ${shard.schema}.outbox (user_id, seq, event) select $1, seq, event
       from json_to_recordset($2) new(seq bigint, event jsonb)`,
      [userId, JSON.stringify(eventsOf(userId, left, turn))],
    );
    const [started, used] = [performance.now(), process.cpuUsage()];
    await drainShards([shard], publisher, 0);
    seconds += (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(used);
    cpu += (user + system) / 1000;
  }
  return { seconds: seconds / events, cpu: cpu / events };
}

/** As commits of small files write them. */
function eventsOf(userId: string, last: number, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const cursor = last - index;
    const id = randomUUID();
    const event = toEvent(
      {
        ...{ versionId: id, fileId: id, version: 1, changeType: 'create', path: `folder/${id}.txt`, kind: 'file' },
        ...{ hashes: [randomBytes(32).toString('hex')], sizes: [2048], size: 2048, mtimeMs: 1, mode: 0o644 },
      },
      { namespaceId: userId, deviceId: id, cursor, timestamp: Date.now() },
    );
    return { seq: cursor, event };
  });
}
