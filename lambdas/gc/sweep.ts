import { type Databases, within } from '../shared/database/database.ts';
import { removeOldDeltas } from '../shared/tables/deltas.ts';
import { removeExpiredPins } from '../shared/tables/pins.ts';
import { removeOldAnswers } from '../shared/tables/requests.ts';
import { removeExpiredUploads } from '../shared/tables/uploads.ts';
import { collectBlocks } from './collect-blocks.ts';
import { expireVersions } from './expire-versions.ts';
import { forgetChanges } from './forget-changes.ts';
import { preview } from './preview.ts';
import { settleLedger } from './settle-ledger.ts';

export interface SweepReport {
  dry_run: boolean;
  versions_expired: number;
  changes_forgotten: number;
  uploads_expired: number;
  answers_forgotten: number;
  deltas_forgotten: number;
  counts_settled: number;
  pins_expired: number;
  blocks_condemned: number;
  blocks_deleted: number;
  /** The time was up before the work was done; the next run goes on. */
  unfinished: boolean;
}

/** Rows per step, so that no transaction lasts long. */
const BATCH = 500;
/** Sessions per step, each with up to 500 files. */
const SESSIONS = 25;

/**
 * The hourly run. First everything that lets go of blocks, in every shard; only when all of that went without an error,
 * blocks that nothing holds are deleted. An error ends the run: what is done stays done, the rest waits for the next.
 */
export async function sweep(
  databases: Databases,
  { dryRun, until }: { dryRun: boolean; until: number },
): Promise<SweepReport> {
  const report: SweepReport = {
    dry_run: dryRun,
    versions_expired: 0,
    changes_forgotten: 0,
    uploads_expired: 0,
    answers_forgotten: 0,
    deltas_forgotten: 0,
    counts_settled: 0,
    pins_expired: 0,
    blocks_condemned: 0,
    blocks_deleted: 0,
    unfinished: false,
  };
  if (dryRun) return { ...report, ...(await preview(databases)) };

  /** Repeats a step for as long as it takes up `full` rows or more. */
  const repeat = async (full: number, step: () => Promise<number>): Promise<number> => {
    let total = 0;
    for (let done = full; done >= full; total += done) {
      if (Date.now() >= until) {
        report.unfinished = true;
        break;
      }
      done = await step();
    }
    return total;
  };
  for (const shard of databases.shards) {
    const inShard = (limit: number, step: typeof removeExpiredUploads) =>
      repeat(limit, () => within(shard, (shard) => step(shard, limit)));
    report.changes_forgotten += await inShard(BATCH, forgetChanges);
    // Steps that end early, where versions have many blocks, go on until there are none.
    report.versions_expired += await repeat(1, () => expireVersions(databases.blocks, shard, BATCH));
    report.uploads_expired += await inShard(SESSIONS, removeExpiredUploads);
    report.answers_forgotten += await inShard(BATCH, removeOldAnswers);
    report.deltas_forgotten += await inShard(BATCH, removeOldDeltas);
  }
  report.counts_settled = await repeat(1, () => settleLedger(databases, BATCH));
  report.pins_expired = await repeat(BATCH, () => removeExpiredPins(databases.blocks, BATCH));
  await repeat(1, async () => {
    const { condemned, deleted, more } = await collectBlocks(databases.blocks, BATCH, until);
    report.blocks_condemned += condemned;
    report.blocks_deleted += deleted;
    return Number(more);
  });
  return report;
}
