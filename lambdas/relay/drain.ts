import { randomInt } from 'node:crypto';
import { within } from '../shared/database/database.ts';
import type { Database, Shard } from '../shared/database/rows.ts';
import type { Publisher } from '../shared/stream/publisher.ts';
import { filledOutboxes, removeEvents, takeEvents } from '../shared/tables/outbox.ts';

/** Events per transaction. */
const BATCH = 500;
/** Of one user they are one record batch, of which the brokers take 1 MiB with 70 bytes around each event. */
const BATCH_BYTES = 900_000;

/**
 * Publishes the outboxes of some shards until they are empty or the time (ms since 1970) is up, then deletes what was
 * acknowledged. Each has one batch at a time in turns, so that one that is filled for ever keeps no other waiting. One
 * relay per shard at a time, so that a user's events keep their order; others leave to it what they came for. Returns how
 * many it sent; throws when some shard's events could not be published, after it has tried the others.
 */
export async function drainShards(
  shards: readonly Shard<Database>[],
  publisher: Publisher,
  until: number,
): Promise<number> {
  let published = 0;
  const failures: unknown[] = [];
  const waiting = shards.length > 1 ? await filledOutboxes(shards) : [...shards];
  for (let shard = waiting.shift(); shard; shard = waiting.shift()) {
    try {
      const sent = await drainOnce(shard, publisher);
      // Another relay has the turn, and looks once more when it has given it up.
      if (sent === undefined) continue;
      published += sent;
      // After the turn, and whatever was found in it: who came meanwhile has gone again, and who commits an event beside
      // one that is there wakes nobody.
      if (Date.now() < until) waiting.push(...(await filledOutboxes([shard])));
    } catch (error) {
      failures.push(error);
    }
    if (Date.now() >= until) break;
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `the events of ${failures.length} shards wait: ${failures[0]}`);
  return published;
}

/** The shards in turn, from any of them on: what takes a run's time without an end takes it from others in each run. */
export function startingAnywhere<S>(shards: readonly S[]): S[] {
  const first = randomInt(shards.length);
  return [...shards.slice(first), ...shards.slice(0, first)];
}

/**
 * Publishes one batch, and answers how many events that were; undefined where another relay is at work. The transaction
 * may run again after it has published: an event may come twice, and is never lost.
 */
async function drainOnce(shard: Shard<Database>, publisher: Publisher): Promise<number | undefined> {
  return await within(shard, async (shard) => {
    const events = await takeEvents(shard, { limit: BATCH, maxBytes: BATCH_BYTES });
    if (!events) return undefined;
    await publisher.publish(events);
    await removeEvents(shard, events);
    return events.length;
  });
}
