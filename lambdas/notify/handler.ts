import type { MSKEvent } from 'aws-lambda';
import { fileChangedEvents } from '../shared/kafka-event.ts';
import { logger } from '../shared/log.ts';
import { pushChanges } from './push.ts';

/**
 * Consumes the stream: each change goes to the sockets of the user's other devices. `lag_ms` is the time from the oldest
 * change's commit until it was pushed.
 */
export async function handler(event: MSKEvent): Promise<void> {
  const changes = fileChangedEvents(event);
  if (changes.length === 0) return;
  const sent = await pushChanges(changes);
  const lag = Date.now() - Math.min(...changes.map(({ timestamp }) => timestamp));
  const requests = [...new Set(changes.map(({ request_id }) => request_id))];
  logger.info('pushed', { changes: changes.length, sent, lag_ms: lag, requests });
}
