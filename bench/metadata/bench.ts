import { formatTable } from '../../cli/table.ts';
import { formatBytes } from '../../local/demo/format.ts';
import { type CollectionRate, measureCollection } from './collection.ts';
import { type CommitRate, type HotRate, measureCommits, measureHot } from './commits.ts';
import { type DedupCheck, measureDedupCheck } from './dedup-check.ts';
import { startMetadata } from './service.ts';

/** Of the described system, which says 10 to 15 ms for the check. */
const ROWS = 10_000_000;
/** The busiest benchmark's workers. */
const CONNECTIONS = 32;

interface Figures {
  readonly postgres: string;
  readonly commits: readonly CommitRate[];
  readonly hot: HotRate;
  readonly collection: CollectionRate;
  readonly dedup: DedupCheck;
}

/**
 * How fast the service's own functions are against one PostgreSQL server with durable commits on this machine, without
 * HTTP and Lambda: uploads of files whose blocks are there, a block that everybody has, the sweep, and the dedup check
 * among 10 million blocks. Takes about five minutes, most of it to fill in those.
 */
export async function run({ json }: { json: boolean }): Promise<void> {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
  const progress = (text: string) => console.error(`… ${text}`);
  progress('starts PostgreSQL');
  const metadata = await startMetadata(CONNECTIONS);
  try {
    const figures: Figures = {
      postgres: metadata.version,
      commits: await measureCommits(metadata, progress),
      hot: await measureHot(metadata),
      collection: await measureCollection(metadata, progress),
      dedup: await measureDedupCheck(metadata, ROWS, progress),
    };
    if (json) console.log(JSON.stringify(figures));
    else print(figures);
  } finally {
    await metadata.stop();
  }
}

function print({ postgres, commits, hot, collection, dedup }: Figures): void {
  const rate = (perSecond: number) => Math.round(perSecond).toLocaleString('en');
  const ratio = (value: number) => value.toFixed(2);
  console.log(`PostgreSQL ${postgres}, Node ${process.version}\n`);
  console.log('Uploads of one file whose blocks are there, a second; “bare” inserts one row\n');
  const header = ['blocks', 'connections', 'upload-init', 'finalize', 'bare', 'finalize / bare'];
  const rows = commits.map(({ blocks, connections, init, finalize, bare }) => [
    String(blocks),
    String(connections),
    rate(init),
    rate(finalize),
    rate(bare),
    ratio(finalize / bare),
  ]);
  console.log(formatTable([header, ...rows], [0]));
  console.log(
    `\nFinalize over ${hot.connections} connections, a second: ${rate(hot.distinct)} with a block of each user's own, ` +
      `${rate(hot.hot)} with one block for all (${ratio(hot.hot / hot.distinct)} times)`,
  );
  console.log(
    `Sweep, blocks a second: ${rate(collection.sweep)}; the store alone takes ${rate(collection.store)} ` +
      `(${ratio(collection.sweep / collection.store)} times)\n`,
  );
  console.log(`Dedup check of 250 hashes among ${dedup.rows.toLocaleString('en')} blocks\n`);
  const checks = [
    ['', 'p50 ms', 'p99 ms', 'index'],
    ...(['here', 'text'] as const).map((name) => {
      const { p50, p99, index } = dedup[name];
      return [name === 'here' ? 'bytea, here' : 'hexadecimal text', ratio(p50), ratio(p99), formatBytes(index)];
    }),
    [
      'text / bytea',
      ratio(dedup.text.p50 / dedup.here.p50),
      ratio(dedup.text.p99 / dedup.here.p99),
      ratio(dedup.text.index / dedup.here.index),
    ],
  ];
  console.log(formatTable(checks, [0]));
}
