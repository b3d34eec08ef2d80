import type { MSKEvent } from 'aws-lambda';
import { record } from '../shared/figures.ts';
import { fileChangedEvents } from '../shared/kafka-event.ts';
import { logger } from '../shared/log.ts';
import { pushChanges } from './push.ts';

/** Consumes the stream: each change goes to the sockets of the user's other devices. */
export async function handler(event: MSKEvent): Promise<void> {
  const changes = fileChangedEvents(event);
  if (changes.length === 0) return;
  const sent = await pushChanges(changes);
  const lag = Date.now() - Math.min(...changes.map(({ timestamp }) => timestamp));
  const requests = [...new Set(changes.map(({ request_id }) => request_id))];
  logger.info('pushed', { changes: changes.length, sent, requests });
  record({ NotifyLag: lag, Pushes: sent });
}
