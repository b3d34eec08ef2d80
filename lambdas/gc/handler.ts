import type { Context, MSKEvent } from 'aws-lambda';
import * as z from 'zod';
import { databases } from '../shared/database/database.ts';
import { record } from '../shared/runtime/figures.ts';
import { logger } from '../shared/runtime/log.ts';
import { fileChangedEvents } from '../shared/stream/kafka-event.ts';
import { collectionLag } from '../shared/tables/unused-blocks.ts';
import { confirmCounts } from './confirm-counts.ts';
import { type SweepReport, sweep } from './sweep.ts';

/** Of the function's time; the rest is room for the batch that is under way. */
const RUN_SHARE = 0.8;

const SweepEvent = z.object({ dry_run: z.boolean().default(false) });

/** Two jobs: confirm the counts of versions that the stream reports, and, on the schedule, the hourly sweep. */
export async function handler(
  event: MSKEvent | Record<string, unknown>,
  context: Context,
): Promise<SweepReport | undefined> {
  if (isStream(event)) {
    const events = fileChangedEvents(event);
    const confirmed = await confirmCounts(databases(), events);
    logger.info('counts confirmed', { events: events.length, confirmed });
    return undefined;
  }
  const { dry_run: dryRun } = SweepEvent.parse(event);
  const until = Date.now() + RUN_SHARE * context.getRemainingTimeInMillis();
  const report = await sweep(databases(), { dryRun, until });
  logger.info('swept', { ...report });
  if (!dryRun) record({ GcLag: await collectionLag(databases().blocks), BlocksDeleted: report.blocks_deleted });
  return report;
}

function isStream(event: MSKEvent | Record<string, unknown>): event is MSKEvent {
  return 'records' in event;
}
