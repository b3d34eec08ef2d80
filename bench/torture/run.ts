import { parseArgs } from 'node:util';
import { formatTable } from '../../cli/table.ts';
import { withPair } from '../pair.ts';
import type { Outcome, Suite } from './suite.ts';
import { faketime } from './suites/faketime.ts';
import { fio } from './suites/fio.ts';
import { fsx } from './suites/fsx.ts';
import { git } from './suites/git.ts';
import { npm } from './suites/npm.ts';
import { rewrite } from './suites/rewrite.ts';
import { sqlite } from './suites/sqlite.ts';
import { stressNg } from './suites/stress-ng.ts';
import { layBallast, torture } from './torture.ts';

const all: readonly Suite[] = [fsx, fio, stressNg, git, sqlite, npm, rewrite, faketime];

const usage = `usage: npm run torture -- [--seconds N] [--json] [SUITE…]
Programs that nobody here wrote work in a synced folder, N seconds each (60), and another device has to come to the same.
Suites: ${all.map(({ name }) => `'${name}'`).join(', ')}.
Exit codes: 0 what is installed held, 1 something was found, 2 wrong words.`;

const { values, positionals } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
});
const seconds = Number(values.seconds);
const suites = all.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (values.help) console.log(usage);
else if (!(seconds > 0) || suites.length < Math.max(1, positionals.length)) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const progress = (text: string): void => console.error(`… ${text}`);
  const outcomes = await withPair({}, async (pair) => {
    await layBallast(pair);
    return torture(suites, { pair, seconds, progress });
  });
  if (values.json) console.log(JSON.stringify(outcomes));
  else print(outcomes);
  if (outcomes.some(({ outcome }) => outcome === 'failed')) process.exitCode = 1;
}

function print(outcomes: readonly Outcome[]): void {
  const cell = (value: number | undefined): string => value?.toFixed(1) ?? '';
  const lines = outcomes.map(({ name, outcome, did, worked, equal }) => [
    name,
    outcome,
    did,
    cell(worked),
    cell(equal),
  ]);
  console.log(formatTable([['', '', '', 'worked, s', 'equal after, s'], ...lines], [0, 1, 2]));
  for (const { name, found } of outcomes) for (const fault of found) console.log(`${name}: ${fault}`);
}
