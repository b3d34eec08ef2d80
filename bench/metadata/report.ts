import { formatTable } from '../../cli/table.ts';
import { formatBytes } from '../../local/demo/format.ts';
import { HASHES } from './blocks.ts';
import type { CollectionRate } from './collection.ts';
import type { CommitRate, HotRate } from './commits.ts';
import type { DedupCheck } from './dedup-check.ts';
import type { RelayRate } from './relay.ts';
import type { UploadInit } from './upload-init.ts';

export interface Figures {
  readonly postgres: string;
  /** What does not depend on how many blocks there are. */
  readonly rates?: {
    readonly commits: readonly CommitRate[];
    readonly hot: HotRate;
    readonly relay: readonly RelayRate[];
    readonly collection: CollectionRate;
  };
  /** What may. */
  readonly among: {
    readonly dedup: DedupCheck;
    readonly few: { readonly rows: number; readonly calls: readonly UploadInit[] };
    readonly many: { readonly rows: number; readonly calls: readonly UploadInit[] };
  };
}

export function asText({ postgres, rates, among }: Figures): string {
  return [
    `PostgreSQL ${postgres}, Node ${process.version}`,
    ...(rates ? ratesAsText(rates) : []),
    `Dedup check of ${HASHES} hashes among ${shown(among.dedup.rows)} blocks`,
    dedupTable(among.dedup),
    `Milliseconds of an upload-init of one file of ${HASHES} blocks`,
    uploadInitTable(among),
  ].join('\n\n');
}

function ratesAsText({ commits, hot, relay, collection }: NonNullable<Figures['rates']>): string[] {
  const header = ['blocks', 'connections', 'upload-init', 'finalize', 'bare', 'finalize / bare'];
  const rows = commits.map(({ blocks, connections, init, finalize, bare }) => [
    String(blocks),
    String(connections),
    shown(init),
    shown(finalize),
    shown(bare),
    ratio(finalize / bare),
  ]);
  return [
    'Uploads of one file whose blocks are there, a second; “bare” inserts one row',
    formatTable([header, ...rows], [0]),
    `Finalize over ${hot.connections} connections, a second: ${shown(hot.distinct)} with a block of each user's own, ` +
      `${shown(hot.hot)} with one block for all (${ratio(hot.hot / hot.distinct)} times)`,
    `One relay, events a second: ${relay
      .map(
        ({ turn, eventsPerSecond, cpu }) =>
          `${shown(eventsPerSecond)} in turns of ${turn} (${cpu.toFixed(3)} ms of CPU each)`,
      )
      .join(', ')}`,
    `Sweep, blocks a second: ${shown(collection.sweep)}; the store alone takes ${shown(collection.store)} ` +
      `(${ratio(collection.sweep / collection.store)} times)`,
  ];
}

function dedupTable({ here, text }: DedupCheck): string {
  const lineOf = (name: string, { p50, p99, index }: DedupCheck['here']) => [
    name,
    ratio(p50),
    ratio(p99),
    formatBytes(index),
  ];
  const ratios = [text.p50 / here.p50, text.p99 / here.p99, text.index / here.index].map(ratio);
  return formatTable(
    [
      ['', 'p50 ms', 'p99 ms', 'index'],
      lineOf('bytea, here', here),
      lineOf('hexadecimal text', text),
      ['text / bytea', ...ratios],
    ],
    [0],
  );
}

function uploadInitTable({ few, many }: Figures['among']): string {
  const header = ['', ...[few, many].flatMap(({ rows }) => [`${shown(rows)} blocks: p50`, 'p99'])];
  const rows = few.calls.map(({ offer, p50, p99 }, index) => {
    const among = many.calls[index]!;
    return [offer, ...[p50, p99, among.p50, among.p99].map((ms) => ms.toFixed(1))];
  });
  return formatTable([header, ...rows], [0]);
}

function shown(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}

function ratio(value: number): string {
  return value.toFixed(2);
}
