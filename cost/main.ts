import { parseArgs } from 'node:util';
import { formatTable } from '../cli/table.ts';
import { profileNamed } from '../lib/profiles/profiles.ts';
import { prices, sources } from './prices.ts';
import { report } from './report.ts';
import { usual } from './usage.ts';

const help = `What a deployment costs and holds, by the profile's own figures and a price list.

  npm run cost -- --profile team --users 50

  --profile NAME      dev, team or internet (default: team)
  --clusters N        database clusters (default: the profile's)
  --users N           people who use it (default: 50)
  --syncs N           files that one of them saves on a working day (default: ${usual.syncsPerDay})
  --always-on N       devices that are on day and night with nothing to do (default: ${usual.alwaysOn})
  --prices            the prices instead, each with where and when it was read
  --gigabytes N       GB that one of them stores (default: ${usual.gigabytes})`;

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: 'team' },
    clusters: { type: 'string' },
    users: { type: 'string', default: '50' },
    syncs: { type: 'string', default: String(usual.syncsPerDay) },
    gigabytes: { type: 'string', default: String(usual.gigabytes) },
    'always-on': { type: 'string', default: String(usual.alwaysOn) },
    prices: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

try {
  console.log(values.help ? help : values.prices ? listPrices() : print());
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}

function listPrices(): string {
  const rows = Object.entries(prices).map(([name, price]) => {
    const { from, where, date } = sources[name as keyof typeof prices];
    const dollars = typeof price === 'number' ? String(price) : Object.values(price).join(' / ');
    return [name, dollars, from, date, where];
  });
  return formatTable([['price', 'US dollars', 'from', 'read', 'where'], ...rows], [0, 1, 2, 3, 4]);
}

function print(): string {
  const { profile, clusters } = values;
  const usage = {
    users: numberOf('users'),
    syncsPerDay: numberOf('syncs'),
    gigabytes: numberOf('gigabytes'),
    alwaysOn: numberOf('always-on'),
  };
  return report(profile, profileNamed(profile, clusters), usage);
}

function numberOf(option: 'users' | 'syncs' | 'gigabytes' | 'always-on'): number {
  const number = Number(values[option]);
  if (!Number.isFinite(number) || number < 0) throw new Error(`--${option} is ${values[option]}: give a number.`);
  return number;
}
