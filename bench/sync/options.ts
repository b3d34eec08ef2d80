import { parseArgs } from 'node:util';
import type { Link } from './link/link.ts';
import { chapters } from './rows/chapters.ts';

export const usage = `npm run bench -- sync [options]

  --peers          beside Syncthing, rsync and Unison, where they are installed
  --runs N         runs of everything, each with a new local cloud; the tables have medians (default: 3)
  --rows A,B       some of the rows: ${chapters.map(({ id }) => id).join(', ')}
  --links A,B      loopback, shaped, or both (default)
  --rtt MS         milliseconds there and back on the shaped link (default: 40)
  --mbit N         million bits a second on it, each way (default: 100)
  --huge           ten times the large file: 10 GiB
  --divide N       everything smaller by N, to look at the benchmark itself
  --data DIR       where the folders are, on a disk (default: /var/tmp where it is there)
  --json           one line of JSON at the end, in place of the tables
  --page           write the tables into docs/transfers.md as well`;

export interface Options {
  readonly peers: boolean;
  readonly runs: number;
  /** Ids of chapters. */
  readonly rows: readonly string[];
  /** `undefined` is the loopback. */
  readonly links: readonly (Link | undefined)[];
  readonly huge: boolean;
  readonly divisor: number;
  readonly data: string | undefined;
  readonly json: boolean;
  readonly page: boolean;
}

/** @throws Error that says what is wrong with a word */
export function readOptions(words: readonly string[]): Options {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...words],
    options: {
      peers: flag,
      runs: text('3'),
      rows: text(chapters.map(({ id }) => id).join(',')),
      links: text('loopback,shaped'),
      rtt: text('40'),
      mbit: text('100'),
      huge: flag,
      divide: text('1'),
      data: { type: 'string' },
      json: flag,
      page: flag,
    },
  });
  const ids = chapters.map(({ id }) => id);
  const link = { rttMs: positive('--rtt', values.rtt), mbit: positive('--mbit', values.mbit) };
  const links = oneOf('--links', values.links, ['loopback', 'shaped']);
  return {
    peers: values.peers,
    runs: positive('--runs', values.runs),
    rows: oneOf('--rows', values.rows, ids),
    links: links.map((name) => (name === 'shaped' ? link : undefined)),
    huge: values.huge,
    divisor: positive('--divide', values.divide),
    data: values.data,
    json: values.json,
    page: values.page,
  };
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`${option} takes a number above 0, not ${text}`);
}

function oneOf(option: string, text: string, known: readonly string[]): string[] {
  const names = text.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new Error(`${option} takes some of ${known.join(', ')}, not ${unknown}`);
}
