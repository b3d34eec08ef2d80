import { numberOption } from '../number-option.ts';
import { fillBlocks } from './blocks.ts';
import { measureCollection } from './collection.ts';
import { measureCommits, measureHot } from './commits.ts';
import { measureDedupCheck } from './dedup-check.ts';
import { measureRelay } from './relay.ts';
import { asText, type Figures } from './report.ts';
import { type Metadata, startMetadata } from './service.ts';
import { writeStatistics } from './statistics.ts';
import { measureUploadInit } from './upload-init.ts';

/** Of the described system, which says 10 to 15 ms for the check. */
const ROWS = 10_000_000;
/** What calls among many blocks are compared with. */
const FEW = 10_000;
/** The busiest benchmark's workers. */
const CONNECTIONS = 32;

export const usage = `usage: npm run bench -- metadata [--blocks N] [--statistics FILE] [--json]

  --blocks N          only the calls among so many blocks (default: everything, and those among ${ROWS.toLocaleString('en')})
  --statistics FILE   measures nothing, and writes what PostgreSQL knows of an account of a million files and of ten
                      million blocks, with which test/service/plans.test.ts plans`;

/**
 * How fast the service's own functions are against one PostgreSQL server with durable commits on this machine, without
 * HTTP and Lambda: uploads of files whose blocks are there, a block that everybody has, the sweep, and the dedup check
 * and upload-init among 10 million blocks. Takes about ten minutes, most of them to fill in those.
 */
export async function run({ json, words }: { json: boolean; words: readonly string[] }): Promise<void> {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
  const progress = (text: string) => console.error(`… ${text}`);
  if (words.includes('--statistics')) {
    const file = words[words.indexOf('--statistics') + 1];
    if (file === undefined) throw new Error('--statistics needs the FILE that it is to write');
    return await writeStatistics(file);
  }
  progress('starts PostgreSQL');
  const metadata = await startMetadata(CONNECTIONS);
  try {
    const rates = words.includes('--blocks') ? undefined : await measureRates(metadata, progress);
    const among = await measureAmong(metadata, numberOption(words, '--blocks', ROWS), progress);
    const figures = { postgres: metadata.version, ...(rates && { rates }), among };
    console.log(json ? JSON.stringify(figures) : asText(figures));
  } finally {
    await metadata.stop();
  }
}

async function measureRates(metadata: Metadata, progress: (text: string) => void): Promise<Figures['rates']> {
  return {
    commits: await measureCommits(metadata, progress),
    hot: await measureHot(metadata),
    relay: await measureRelay(metadata),
    collection: await measureCollection(metadata, progress),
  };
}

async function measureAmong(
  metadata: Metadata,
  rows: number,
  progress: (text: string) => void,
): Promise<Figures['among']> {
  await fillBlocks(metadata, { from: 0, to: FEW }, progress);
  const few = { rows: FEW, calls: await measureUploadInit(metadata, FEW) };
  await fillBlocks(metadata, { from: FEW, to: rows }, progress);
  progress('looks up hashes');
  const dedup = await measureDedupCheck(metadata, rows);
  return { dedup, few, many: { rows, calls: await measureUploadInit(metadata, rows) } };
}
