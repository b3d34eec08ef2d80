import type { Profile } from '../lib/profiles/profile.ts';
import { alwaysOnLines } from './always-on.ts';
import { boundsOf, otherBounds } from './capacity.ts';
import { breakEven, firstSync } from './first-sync.ts';
import { floorOf, type Line, total } from './floor.ts';
import { EDITS, editsFetchedWhole, firstLargeFile, largeFileEdits } from './large-file.ts';
import { whence } from './prices.ts';
import { awakeDatabase, perThousandSyncs, type Usage, usageLines } from './usage.ts';

const KIB = 1024;

/** All that `npm run cost` prints. */
export function report(name: string, profile: Profile, usage: Usage): string {
  const { minCapacity, clusters, readers } = profile.metadata;
  const people = usageLines(usage);
  const awake = minCapacity === 0 && usage.users > 0 ? [awakeDatabase(clusters * (1 + readers))] : [];
  const sections = [
    section(`${name}: a month in which nobody uses it`, floorOf(profile)),
    section(
      `what ${usage.alwaysOn} idle devices add that are on day and night`,
      alwaysOnLines(profile, usage.alwaysOn),
    ),
    section('1,000 syncs', perThousandSyncs(), 4),
    section('a million files of 2 KiB, from one device to another and kept a month', firstSync('rows', 2 * KIB)),
    section('the same as an object each', firstSync('objects', 2 * KIB)),
    section('a million files of 20 KiB, in packs', firstSync('packs', 20 * KIB)),
    section('the same in rows', firstSync('rows', 20 * KIB)),
    section('the same as an object each', firstSync('objects', 20 * KIB)),
    `kept a year, an object costs less than a row from ${(breakEven() / 1024).toFixed(1)} KiB on`,
    section('a file of 1 GiB, from one device to another over 100 Mbit/s and kept a month', firstLargeFile(), 4),
    section(`${EDITS.toLocaleString('en-US')} edits in such files, each of a block`, largeFileEdits(), 4),
    `without kept deltas, their blocks fetched whole are ${dollars(editsFetchedWhole())} more`,
    section(`what ${usage.users} users add in a month`, [...people, ...awake]),
    `in all: ${dollars(sum([...floorOf(profile), ...people, ...awake]))} a month`,
    ['what it holds', ...boundsOf(profile).map(boundLine), ...otherBounds(profile).map((text) => `  ${text}`)].join(
      '\n',
    ),
    ...raises(profile),
    `${whence()}\nNo taxes are counted, and no free tiers but those of the CDN and of Cognito.`,
  ];
  return sections.join('\n\n');
}

export function sum(lines: readonly Line[]): number {
  return total(lines.map((line) => line.dollars));
}

function raises(profile: Profile): string[] {
  const raised = boundsOf(profile).flatMap(({ raise }) => raise ?? []);
  return raised.length === 0 ? [] : [['quotas to raise first', ...raised.map((text) => `  ${text}`)].join('\n')];
}

function section(title: string, lines: readonly Line[], digits = 2): string {
  const rows = [...lines, { what: 'sum', because: '', dollars: sum(lines) }];
  return [
    title,
    ...rows.map(({ what, because, dollars: amount }) =>
      `  ${what.padEnd(20)} ${dollars(amount, digits).padStart(11)}  ${because}`.trimEnd(),
    ),
  ].join('\n');
}

function boundLine({ what, because, perSecond }: { what: string; because: string; perSecond: number }): string {
  return `  ${what.padEnd(20)} ${perSecond.toLocaleString('en-US').padStart(9)} /s   ${because}`;
}

function dollars(amount: number, digits = 2): string {
  return `$${amount.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}
