import type { MSKEvent } from 'aws-lambda';
import { FileChanged } from '../../../protocol/file-changed.ts';
import { record } from '../runtime/figures.ts';
import { logger } from '../runtime/log.ts';

/**
 * The events of a batch, in order per partition. A record that is no event is logged by its place and left out: an
 * on-demand event source would retry the whole batch until the record is 7 days old.
 */
export function fileChangedEvents(event: MSKEvent): FileChanged[] {
  return Object.values(event.records).flatMap((records) =>
    records.flatMap(({ topic, partition, offset, value }) => {
      try {
        return [FileChanged.parse(JSON.parse(Buffer.from(value, 'base64').toString('utf8')))];
      } catch (error) {
        logger.error('not a file_changed event', { topic, partition, offset, error: error as Error });
        record({ Unreadable: 1 });
        return [];
      }
    }),
  );
}
