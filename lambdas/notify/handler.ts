import type { Context, MSKEvent } from 'aws-lambda';
import { record } from '../shared/runtime/figures.ts';
import { logger } from '../shared/runtime/log.ts';
import { fileChangedEvents } from '../shared/stream/kafka-event.ts';
import { pushChanges } from './push.ts';

/** What the pushes under way and the figures need at the end: a batch that runs out of time comes again from its start. */
const RESERVE_MS = 5_000;

/** Consumes the stream: the sockets of a user's other devices hear of the newest change of the batch. */
export async function handler(event: MSKEvent, context: Context): Promise<void> {
  const until = Date.now() + context.getRemainingTimeInMillis() - RESERVE_MS;
  const changes = fileChangedEvents(event);
  if (changes.length === 0) return;
  const oldest = Math.min(...changes.map(({ timestamp }) => timestamp));
  // Before the work: a batch that fails again and again is seen by its age.
  record({ NotifyAge: Date.now() - oldest });
  const { sent, lost } = await pushChanges(changes, until);
  const requests = [...new Set(changes.map(({ request_id }) => request_id))];
  logger.info('pushed', { changes: changes.length, sent, lost, requests });
  record({ NotifyLag: Date.now() - oldest, Pushes: sent, PushesLost: lost });
}
