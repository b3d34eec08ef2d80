/* `npm run preflight`: whether an account and a region take a deployment, before it is begun. */

import { parseArgs } from 'node:util';
import { awsReasonOf } from '../cli/aws-reason.ts';
import { formatTable } from '../cli/table.ts';
import { readAccount } from './account.ts';
import { examine, type Finding } from './checks.ts';
import { demandOf } from './demand.ts';

const help = `Looks whether your account and region take a deployment, by calls that only read.

  npm run preflight -- -c profile=team

  -c, --context KEY=VALUE   as for cdk: profile, clusters, …

It uses your AWS credentials and region, as every AWS tool. Exit code 1: something has to be done first.`;

const { values } = parseArgs({
  options: {
    context: { type: 'string', short: 'c', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) console.log(help);
else {
  await main().catch((error: unknown) => {
    console.error(awsReasonOf(error));
    process.exitCode = 1;
  });
}

async function main(): Promise<void> {
  const demand = demandOf(Object.fromEntries(values.context.map(pair)));
  const findings = examine(demand, await readAccount({}, demand));
  console.log(formatTable(findings.map(row), [0, 1, 2]).replace(/ +$/gm, ''));
  const wrong = findings.flatMap(({ what, remedy }) => (remedy === undefined ? [] : [`${what}\n  ${remedy}`]));
  if (wrong.length === 0) return console.log('\nnothing stands in the way');
  console.log(`\nto do before deploying\n\n${wrong.join('\n')}`);
  process.exitCode = 1;
}

function row({ what, found, remedy }: Finding): string[] {
  return [remedy === undefined ? 'ok' : '!!', what, found];
}

function pair(text: string): [string, string] {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) throw new Error(`-c ${text}: give KEY=VALUE`);
  return [key, value!];
}
