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
 * acknowledged. One runner per shard at a time, so that a user's events keep their order. Returns how many it sent;
 * throws when some shard's events could not be published, after it has tried the others.
 */
export async function drainShards(
  shards: readonly Shard<Database>[],
  publisher: Publisher,
  until: number,
): Promise<number> {
  let published = 0;
  const failures: unknown[] = [];
  // A relay that was woken for one shard waits for its turn: the one at work may have looked before the event came.
  const skip = shards.length > 1;
  for (const shard of skip ? await filledOutboxes(shards) : shards) {
    try {
      let sent: number;
      do {
        sent = await drainOnce(shard, publisher, skip);
        published += sent;
        // Once what was sent is gone: who commits an event beside one that is there wakes no other relay.
      } while (sent > 0 && Date.now() < until && (await filledOutboxes([shard])).length > 0);
    } catch (error) {
      failures.push(error);
    }
    if (Date.now() >= until) break;
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `the events of ${failures.length} shards wait: ${failures[0]}`);
  return published;
}

/** The transaction may run again after it has published: an event may come twice, and is never lost. */
async function drainOnce(shard: Shard<Database>, publisher: Publisher, skip: boolean): Promise<number> {
  return await within(shard, async (shard) => {
    const events = await takeEvents(shard, { limit: BATCH, maxBytes: BATCH_BYTES, skip });
    await publisher.publish(events);
    await removeEvents(shard, events);
    return events.length;
  });
}
