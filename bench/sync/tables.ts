import { formatTable } from '../../cli/table.ts';
import { sumOf } from './counters.ts';
import type { Figures } from './measure.ts';
import { nameOf, type Row } from './results.ts';

export interface Table {
  readonly title: string;
  /** The header first. */
  readonly rows: readonly (readonly string[])[];
}

type Column = readonly [header: string, cell: (figures: Figures) => string];

const NOTHING = '–';
const OURS = 'Tidemark';

/** Seconds and bytes of all tools, and what ours used: three tables for each kind of row on each link. */
export function tablesOf(rows: readonly Row[]): Table[] {
  const groups = Map.groupBy(rows, ({ link, table }) => `${table}, ${nameOf(link)}`);
  return [...groups].flatMap(([title, group]) => {
    const tools = [...new Set(group.flatMap(({ tools: byTool }) => Object.keys(byTool)))];
    const compared = tools.filter((tool) => group.some((row) => row.tools[tool]?.used.up !== undefined));
    const tables = [
      { title: `${title}: seconds until the other folder holds it`, rows: comparison(group, tools, seconds) },
      { title: `${title}: bytes up + down`, rows: comparison(group, compared, bytesMoved) },
      { title: `${title}: CPU seconds of all processes`, rows: comparison(group, tools, cpuOfAll) },
      { title: `${title}: what Tidemark did`, rows: details(group, work) },
      { title: `${title}: CPU seconds of Tidemark's processes, and the most memory`, rows: details(group, cpu(group)) },
    ];
    return tables.filter(({ rows: lines }) => lines.length > 1 && lines[0]!.length > 1);
  });
}

function comparison(group: readonly Row[], tools: readonly string[], cell: Column[1]): string[][] {
  const cells = ({ tools: byTool }: Row): string[] =>
    tools.map((tool) => (byTool[tool] ? cell(byTool[tool]) : NOTHING));
  return [['', ...tools], ...group.map((row) => [row.what, ...cells(row)])];
}

function details(group: readonly Row[], columns: readonly Column[]): string[][] {
  const ours = group.flatMap(({ what, tools }) => (tools[OURS] ? [{ what, figures: tools[OURS] }] : []));
  const header = ['', ...columns.map(([name]) => name)];
  return [header, ...ours.map(({ what, figures }) => [what, ...columns.map(([, cell]) => cell(figures))])];
}

const work: readonly Column[] = [
  ['newly stored', ({ used }) => megabytes(used.stored)],
  ['database', ({ used }) => megabytes(used.database)],
  ["devices' requests", ({ used }) => count(used['requests.devices'])],
  ["functions' requests", ({ used }) => count(used['requests.functions'])],
  ['statements', ({ used }) => count(used.statements)],
  [
    'most of the requests',
    ({ used }) =>
      largest(used, 'request.')
        .map(([name, value]) => `${count(value)} ${name}`)
        .join(', '),
  ],
];

/** A column for each process. */
function cpu(group: readonly Row[]): Column[] {
  const names = new Set(group.flatMap(({ tools }) => Object.keys(tools[OURS]?.used ?? {})));
  const processes = [...names].filter((name) => name.startsWith('cpu.'));
  return [
    ...processes.map((name): Column => [name.replace('cpu.', ''), ({ used }) => rounded(used[name])]),
    ['all', cpuOfAll],
    [
      'most of the functions',
      ({ used }) =>
        largest(used, 'function.')
          .filter(([, value]) => value >= 0.05)
          .map(([name, value]) => `${name} ${rounded(value)}`)
          .join(', '),
    ],
    ['memory of a device', ({ memory }) => megabytes(Math.max(0, ...Object.values(memory)))],
  ];
}

function largest(used: Figures['used'], prefix: string): [name: string, value: number][] {
  return Object.entries(used)
    .filter(([name, value]) => name.startsWith(prefix) && value > 0)
    .map(([name, value]): [string, number] => [name.slice(prefix.length), value])
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3);
}

function seconds({ seconds: value, worst }: Figures): string {
  return rounded(value) + (worst > value ? ` (${rounded(worst)})` : '');
}

function bytesMoved({ used: { up, down } }: Figures): string {
  return up === undefined ? NOTHING : `${megabytes(up)} + ${megabytes(down)}`;
}

function cpuOfAll({ used }: Figures): string {
  return rounded(sumOf(used, 'cpu.'));
}

function count(value: number | undefined): string {
  if (value === undefined) return NOTHING;
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value).toLocaleString('en');
}

function rounded(value: number | undefined): string {
  if (value === undefined) return NOTHING;
  return value >= 99.95 ? value.toFixed(0) : value.toFixed(value >= 9.995 ? 1 : 2);
}

/** Millions and thousands, as links are measured. */
function megabytes(bytes: number | undefined): string {
  if (bytes === undefined) return NOTHING;
  if (Math.abs(bytes) < 1000) return `${Math.round(bytes)} B`;
  return Math.abs(bytes) < 999_500 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function asText({ title, rows }: Table): string {
  return `${title}\n\n${formatTable(rows, [0])}\n`;
}

export function asMarkdown({ title, rows }: Table): string {
  const [header, ...rest] = rows as [readonly string[], ...(readonly string[])[]];
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'));
  const lines = [header, rule, ...rest].map((cells) => `| ${cells.join(' | ')} |`);
  return `**${title[0]!.toUpperCase()}${title.slice(1)}**\n\n${lines.join('\n')}\n`;
}
