/* `npm run rehearse`: loses the database of a service at work and restores it, on this machine. */

import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../../cli/table.ts';
import { formatDuration } from '../demo/format.ts';
import { synthesize } from '../demo/synthesize.ts';
import { type Outcome, rehearse } from './rehearse.ts';

const help = `Loses the database of a service at work, restores it from a base backup and the archived log to a moment
before, and lets devices reconnect that know more than it. Ends with what was lost and regained; exit code 1 when a
content is gone.

Options
  --files N    how many files the account has (default: 50)
  --data DIR   where everything is kept; emptied first (default: tidemark-data/rehearsal)
  --port N     first of ten ports on 127.0.0.1 (default: 4440)`;

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '50' },
    data: { type: 'string', default: 'tidemark-data/rehearsal' },
    port: { type: 'string', default: '4440' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const print = (line: string): void => console.log(line);

if (values.help) print(help);
else {
  await main().catch((error: Error) => {
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  });
}

async function main(): Promise<void> {
  const data = resolve(values.data);
  await rm(data, { recursive: true, force: true });
  const assembly = join(data, 'cdk.out');
  print('synthesizing the CDK app …');
  await synthesize(assembly, { profile: 'team' });
  print('starting its local cloud, its database with an archive …');
  const options = { assembly, data, port: Number(values.port), files: Number(values.files), print };
  const outcome = await rehearse({ ...options, log: () => undefined });
  print(`\n${describe(outcome)}`);
  if (outcome.lost.length > 0) throw new Error(`contents are gone: ${outcome.lost.join(', ')}`);
  print('\nnothing that a device had is lost');
}

function describe({ restoreMs, before, restored, audit, ...files }: Outcome): string {
  const counted = (['changes', 'versions', 'devices'] as const).map((name) => [
    name,
    before[name],
    restored[name],
    before[name] - restored[name],
  ]);
  const live = ['live files', before.paths.size, restored.paths.size, ''];
  const findings = Object.entries(audit.found).map(([kind, count]) => `${count} ${kind}`);
  const named = (paths: readonly string[]) => `${paths.length}${paths.length > 0 ? `: ${paths.join(', ')}` : ''}`;
  return [
    formatTable([['at the service', 'before', 'restored', 'lost'], ...counted, live], [0]),
    '',
    `restored and serving again after ${formatDuration(restoreMs)}`,
    `audit of ${audit.checked.blocks} blocks: ${findings.join(', ') || 'no damage'}`,
    `regained from devices     ${named(files.regained)}`,
    `beside another content    ${named(files.conflicts)}`,
    `deleted, and back again   ${named(files.cameBack)}`,
    `lost                      ${named(files.lost)}`,
  ].join('\n');
}
