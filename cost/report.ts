import type { Profile } from '../lib/profiles/profile.ts';
import { boundsOf, otherBounds } from './capacity.ts';
import { breakEven, firstSync } from './first-sync.ts';
import { awakeLines, floorOf, type Line, total } from './floor.ts';
import { whence } from './prices.ts';
import { awakeDatabase, perThousandSyncs, type Usage, usageLines } from './usage.ts';

/** All that `npm run cost` prints. */
export function report(name: string, profile: Profile, usage: Usage): string {
  const { minCapacity, clusters, readers } = profile.metadata;
  const people = usageLines(usage);
  const awake = minCapacity === 0 && usage.users > 0 ? [awakeDatabase(clusters * (1 + readers))] : [];
  const staysOn = awakeLines(profile);
  const sections = [
    section(`${name}: a month in which nobody uses it`, floorOf(profile)),
    ...(staysOn.length > 0 ? [section('what two idle devices add that are on day and night', staysOn)] : []),
    section('1,000 syncs', perThousandSyncs(), 4),
    section('a million files of 2 KiB, from one device to another and kept a month', firstSync('rows')),
    section('the same as an object each', firstSync('objects')),
    `kept a year, an object costs less than a row from ${(breakEven() / 1024).toFixed(1)} KiB on`,
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
  return `  ${what.padEnd(20)} ${perSecond.toLocaleString('en-US').padStart(7)} /s   ${because}`;
}

function dollars(amount: number, digits = 2): string {
  return `$${amount.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}
