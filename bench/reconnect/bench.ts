import { numberOption } from '../number-option.ts';
import { curveOf, report } from './report.ts';
import { storm } from './storm.ts';

export const CLIENTS = 10_000;
/** The quota of an account that nobody raised. */
export const PER_SECOND = 500;

export const usage = `usage: npm run bench -- reconnect [--clients N] [--json]

  --clients N   that lose their sockets at once (default: ${CLIENTS})`;

/** How soon clients that lost their sockets at once have others. */
export async function run({ json, words }: { json: boolean; words: readonly string[] }): Promise<void> {
  const lost = { clients: numberOption(words, '--clients', CLIENTS), perSecond: PER_SECOND };
  const outcome = await storm(lost);
  if (!json) return console.log(report(lost, outcome));
  const { back, attempts, peak } = outcome;
  const seconds = Math.ceil((back.at(-1) ?? 0) / 1000);
  const connected = Array.from({ length: seconds + 1 }, (_, second) => curveOf(outcome, second));
  console.log(JSON.stringify({ ...lost, connected, attempts, peak }));
}
