import type { Profile } from '../lib/profiles/profile.ts';
import { AWAKE_MINUTES, AWAKE_UNITS, type Line, line } from './floor.ts';
import { HOURS, prices } from './prices.ts';
import { gbSecondsOf, PINGS_AN_HOUR, pingLine } from './usage.ts';

/** A device opens its socket anew before the gateway ends it, and asks then for all that it asks for. */
const RENEWED_MINUTES = 115;
export const calls = {
  Ticket: { ms: 30, mb: 256 },
  Changes: { ms: 30, mb: 512 },
  Heal: { ms: 30, mb: 512 },
} as const;

/** Share of the time for which devices with nothing to do keep a database awake that would pause, at moments of their own. */
function keptAwake(devices: number): number {
  return (1 - AWAKE_MINUTES / 60) * (1 - (1 - AWAKE_MINUTES / RENEWED_MINUTES) ** devices);
}

/** What devices cost more that are on day and night and have nothing to do, in US dollars a month. */
export function alwaysOnLines({ metadata: { clusters, readers, minCapacity } }: Profile, devices: number): Line[] {
  const renewals = (devices * HOURS * 60) / RENEWED_MINUTES;
  const [asked, instances] = [renewals * Object.keys(calls).length, clusters * (1 + readers)];
  const lines = [
    line('open sockets', `${devices} devices`, (devices * HOURS * 60 * prices.socketMillionMinutes) / 1e6),
    pingLine(devices * HOURS * PINGS_AN_HOUR),
    line(
      'calls',
      `${Math.round(asked).toLocaleString('en-US')}, ${Object.keys(calls).length} every ${RENEWED_MINUTES} minutes`,
      (asked * (prices.httpMillion + prices.lambdaMillion)) / 1e6 +
        renewals * gbSecondsOf(calls) * prices.lambdaGbSecond,
    ),
  ];
  if (minCapacity > 0) return lines;
  const kept = keptAwake(devices);
  const because = `${instances} instances at ${AWAKE_UNITS} units for ${Math.round(100 * kept)} % of the time`;
  return [...lines, line('Aurora', because, instances * AWAKE_UNITS * kept * prices.capacityUnitHour * HOURS)];
}
