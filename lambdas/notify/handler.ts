import type { MSKEvent } from 'aws-lambda';
import { fileChangedEvents } from '../shared/kafka-event.ts';
import { logger } from '../shared/log.ts';
import { pushChanges } from './push.ts';

/** Consumes the stream: each change goes to the sockets of the user's other devices. */
export async function handler(event: MSKEvent): Promise<void> {
  const changes = fileChangedEvents(event);
  const sent = await pushChanges(changes);
  logger.info('pushed', { changes: changes.length, sent });
}
