import { formatTable } from '../../cli/table.ts';
import { quantile } from '../statistics.ts';
import type { Outcome, Storm } from './storm.ts';

const STEP_SECONDS = 5;
/** Characters of the bar that stands for all clients. */
const BAR = 50;

/** How many clients were connected after so many seconds. */
export function curveOf({ back }: Outcome, seconds: number): number {
  return back.filter((at) => at <= 1000 * seconds).length;
}

/** All that `npm run bench -- reconnect` prints. */
export function report(storm: Storm, outcome: Outcome): string {
  const { clients, perSecond } = storm;
  const { back, attempts, peak } = outcome;
  const last = (back.at(-1) ?? 0) / 1000;
  const steps = Math.ceil(last / STEP_SECONDS) + 1;
  const rows = Array.from({ length: steps }, (_, step) => {
    const [seconds, connected] = [step * STEP_SECONDS, curveOf(outcome, step * STEP_SECONDS)];
    return [`${seconds} s`, connected, '█'.repeat(Math.round((BAR * connected) / clients))];
  });
  const number = (value: number): string => value.toLocaleString('en-US');
  const [half, most] = [0.5, 0.9].map((fraction) => (quantile(back, fraction) / 1000).toFixed(1));
  return [
    `${number(clients)} clients lose their sockets at once; the gateway takes ${number(perSecond)} new ones a second`,
    formatTable([['after', 'connected', ''], ...rows], [2]).replaceAll(/ +$/gm, ''),
    `half after ${half} s, 90 % after ${most} s, the last after ${last.toFixed(1)} s; ${number(clients - back.length)} never`,
    `${(attempts / clients).toFixed(1)} attempts each, each with a ticket: ${number(peak)} in the second that had most`,
    `no client could do it in less than ${(clients / perSecond - 1).toFixed(0)} s`,
  ].join('\n\n');
}
