import { cpus } from 'node:os';
import { formatTable } from '../../cli/table.ts';
import { quantile } from '../statistics.ts';
import type { Counters } from '../sync/counters.ts';

/** Requests a second that the system is designed for. */
const DESIGNED_RATE = 25_000;
/** Of a function's part in a request, in CPU milliseconds, what is worth a word. */
const WORTH_MS = 0.1;

/** Milliseconds from each call to its answer. */
interface Answered {
  readonly what: string;
  readonly ms: readonly number[];
}

/** Calls of one kind, and what all of them used. */
export interface Kind extends Answered {
  readonly used: Counters;
}

export interface Load {
  /** Requests a second, of the mix. */
  readonly rate: number;
  readonly alone: readonly Kind[];
  readonly mix: { readonly used: Counters; readonly kinds: readonly Answered[] };
}

export function asText({ rate, alone, mix }: Load): string {
  const calls = mix.kinds.reduce((sum, { ms }) => sum + ms.length, 0);
  const [functions, database] = [mix.used['cpu.functions']! / calls, mix.used['cpu.PostgreSQL']! / calls];
  const processors = (seconds: number): string => Math.ceil(seconds * DESIGNED_RATE).toLocaleString('en');
  return [
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`,
    `one call after the other, ${alone[0]?.ms.length} of each: what one costs, in milliseconds, and how soon it is answered`,
    formatTable(
      [['', 'functions, CPU', 'PostgreSQL, CPU', 'statements', 'SQL', 'p50', 'p99', 'functions'], ...alone.map(lineOf)],
      [0, 7],
    ),
    `${rate} requests a second, three downloads to a save: milliseconds from the moment at which each was due to its answer`,
    formatTable(
      [
        ['', 'requests', 'p50', 'p99', 'max'],
        ...mix.kinds.map(({ what, ms }) => [what, ms.length, ...timesOf(ms), shown(Math.max(...ms))]),
      ],
      [0],
    ),
    `a request of this mix costs ${shown(1000 * functions)} ms of functions and ${shown(1000 * database)} ms of PostgreSQL, so ${DESIGNED_RATE.toLocaleString('en')} a second` +
      ` keep ${processors(functions)} such processors busy with functions and ${processors(database)} with the database`,
  ].join('\n\n');
}

function lineOf({ what, ms, used }: Kind): (string | number)[] {
  const each = (value: number | undefined): number => (value ?? 0) / ms.length;
  const parts = Object.entries(used)
    .filter(([name]) => name.startsWith('function.'))
    .map(([name, seconds]) => [name.replace('function.', ''), 1000 * each(seconds)] as const)
    .filter(([, milliseconds]) => milliseconds >= WORTH_MS)
    .sort(([, one], [, other]) => other - one);
  return [
    what,
    shown(1000 * each(used['cpu.functions'])),
    shown(1000 * each(used['cpu.PostgreSQL'])),
    shown(each(used.statements)),
    shown(1000 * each(used.sqlSeconds)),
    ...timesOf(ms),
    parts.map(([name, milliseconds]) => `${name} ${shown(milliseconds)}`).join(', '),
  ];
}

function timesOf(ms: readonly number[]): [p50: string, p99: string] {
  return [shown(quantile(ms, 0.5)), shown(quantile(ms, 0.99))];
}

function shown(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}
