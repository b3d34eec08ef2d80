import type { MSKEvent } from 'aws-lambda';
import { FileChanged } from '../../protocol/file-changed.ts';
import { logger } from './log.ts';

/**
 * The events of a batch from the sync stream, per partition in order. A record that is no `FileChanged` is logged and
 * dropped: it would fail for ever, and block its partition for the topic's seven days.
 */
export function fileChangedEvents({ records }: MSKEvent): FileChanged[] {
  return Object.values(records)
    .flat()
    .flatMap(({ value, topic, partition, offset }) => {
      try {
        return [FileChanged.parse(JSON.parse(Buffer.from(value, 'base64').toString('utf8')))];
      } catch (error) {
        logger.error('dropped a record that is no file_changed event', {
          topic,
          partition,
          offset,
          error: error as Error,
        });
        return [];
      }
    });
}
