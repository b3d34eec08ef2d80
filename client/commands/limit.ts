import { Command, InvalidArgumentError } from 'commander';
import { formatBytes } from '../../protocol/bytes.ts';
import { ClientError } from '../common/errors.ts';
import { instruct } from '../engine/wake.ts';
import { changeConfiguration, loadConfiguration } from '../service/config.ts';
import { LEAST_RATE, type Limits } from '../service/limits.ts';

/** What is taken away, in place of a value. */
const NONE = 'none';

interface Options {
  readonly up?: number | typeof NONE;
  readonly down?: number | typeof NONE;
  readonly hours?: Limits['hours'] | typeof NONE;
  readonly off?: true;
  readonly json?: true;
}

export function limitCommand(configFolder: () => string): Command {
  return new Command('limit')
    .description('how fast this device may send and fetch (default: show it)')
    .option('--up <rate>', "send at most so many bytes a second, e.g. 500k or 1.5M; 'none' for no limit", parseRate)
    .option('--down <rate>', 'fetch at most so many', parseRate)
    .option('--hours <from-to>', "only at these hours, e.g. 8-18 or 22:30-6; 'none' for at all times", parseHours)
    .option('--off', 'take all limits away')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A running sync obeys at once. A limit is one for all that goes on at the same time, to the service, its store and its
CDN; what announces changes is not counted. What is not named stays as it is. Below 8k nothing would arrive in time:
for that there is 'tidemark pause'.

Examples
  tidemark limit --up 500k --down 2M
  tidemark limit --hours 8-18            both hold from 8:00 to 18:00
  tidemark limit --off`,
    )
    .action(async (options: Options) => limit(configFolder(), options));
}

async function limit(configFolder: string, { json, ...options }: Options): Promise<void> {
  const { folder, limits: before } = await loadConfiguration(configFolder);
  const limits = changed(before, options);
  if (Object.keys(options).length > 0) {
    await changeConfiguration(configFolder, { limits });
    if (folder) instruct(folder.path, 'read-configuration');
  }
  if (json) console.log(JSON.stringify({ limits: limits ?? {} }));
  else console.log(limits ? `limited to ${describeLimits(limits)}` : 'there is no limit');
}

/** The limits after a command; `undefined` when there is none. */
function changed(before: Limits | undefined, { off, ...options }: Omit<Options, 'json'>): Limits | undefined {
  if (off && Object.keys(options).length > 0) throw new ClientError('usage', 'give either --off or limits');
  if (off) return undefined;
  const merged = Object.entries({ ...before, ...options }).filter(([, value]) => value !== NONE);
  const limits: Limits = Object.fromEntries(merged);
  if (limits.up !== undefined || limits.down !== undefined) return limits;
  if (limits.hours && options.hours)
    throw new ClientError('usage', 'limits at which hours? Give --up or --down as well');
  return undefined;
}

/** Limits in words. */
export function describeLimits({ up, down, hours }: Limits): string {
  const rates = [
    ...(up === undefined ? [] : [`${formatBytes(up)}/s up`]),
    ...(down === undefined ? [] : [`${formatBytes(down)}/s down`]),
  ];
  return `${rates.join(' and ')}${hours ? ` from ${hours.from} to ${hours.to}` : ''}`;
}

const unitBytes: Readonly<Record<string, number>> = { '': 1, k: 1_000, m: 1_000_000, g: 1_000_000_000 };

/** Bytes per second of `500k`, `1.5M` and the like. */
export function parseRate(text: string): number | typeof NONE {
  if (text === NONE) return NONE;
  const [, number, unit] = /^(\d{1,9}(?:\.\d{1,3})?)([kmg]?)$/i.exec(text) ?? [];
  const rate = Math.round(Number(number) * unitBytes[(unit ?? '').toLowerCase()]!);
  if (rate >= LEAST_RATE && Number.isSafeInteger(rate)) return rate;
  throw new InvalidArgumentError("A limit is bytes a second, written as 500k or 1.5M, and 8k at least; or 'none'.");
}

/** The times of day of `8-18`, `22:30-6` and the like. */
export function parseHours(text: string): NonNullable<Limits['hours']> | typeof NONE {
  if (text === NONE) return NONE;
  const times = text.split('-').map((time) => {
    const [, hour, minute] = /^(\d{1,2})(?::(\d\d))?$/.exec(time) ?? [];
    const isTime = Number(hour) < 24 && Number(minute ?? 0) < 60;
    return isTime ? `${hour!.padStart(2, '0')}:${minute ?? '00'}` : undefined;
  });
  const [from, to] = times;
  if (from !== undefined && to !== undefined && from !== to && times.length === 2) {
    return { from, to };
  }
  throw new InvalidArgumentError("Hours are written as 8-18 or 22:30-6, from 0 to 23:59; or 'none'.");
}
