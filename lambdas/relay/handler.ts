import { RelayRequest } from '../../protocol/internal/relay.ts';
import { databases } from '../shared/database/database.ts';
import { record } from '../shared/runtime/figures.ts';
import { logger } from '../shared/runtime/log.ts';
import { publisher } from '../shared/stream/publisher.ts';
import { oldestEvent } from '../shared/tables/outbox.ts';
import { drainShards, startingAnywhere } from './drain.ts';

/** Under the function's 60 s, with room for the publication that is under way. */
const RUN_MS = 45_000;

/** Publishes what the outboxes hold: one shard's when woken by a commit, all of them by the schedule. */
export async function handler(event: unknown): Promise<void> {
  const { shard } = RelayRequest.parse(event);
  const { shards } = databases();
  const chosen = shard === undefined ? startingAnywhere(shards) : [shards[shard]!];
  // Before the work: when the brokers are away it is all that is known.
  const oldest = await oldestEvent(chosen);
  record({ OutboxAge: oldest === undefined ? 0 : Date.now() - oldest });
  const published = await drainShards(chosen, publisher, Date.now() + RUN_MS);
  logger.info('relayed', { shards: chosen.length, published });
  record({ Published: published });
}
