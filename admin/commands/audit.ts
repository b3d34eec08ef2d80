import { Command, InvalidArgumentError } from 'commander';
import { formatTable } from '../../cli/table.ts';
import { AuditPlace, type Finding } from '../../protocol/admin.ts';
import type { Context } from '../context.ts';
import { AdminError } from '../errors.ts';

interface Options {
  readonly sample: number;
  readonly from?: AuditPlace;
}

export function auditCommand(context: Context): Command {
  return new Command('audit')
    .description('compare counts, versions and stored objects, and read a sample of the contents')
    .option('--sample <percent>', 'how much of the content to read; 100 reads everything', parsePercent, 0.01)
    .option('--from <place>', 'go on where an audit that was broken off had come to', parsePlace)
    .addHelpText(
      'after',
      `
It deletes nothing and may run while the service is used. A block that is missing or damaged in the store is set aside,
and the next device that has its content sends it again; until then an audit lists it as quarantined.

What it finds
  count-drift    a reference count differs from the versions that hold the block: too low is a danger, too high is waste
  hold-drift     what a user is booked to hold differs from the versions
  content-drift  the bytes of small content that a user is booked to have differ from its rows
  orphan         an object in the store that the database does not know
  missing        a block without its object                      corrupt      a block whose content is another
  mislabelled    a block whose object tells readers to decode or cache it in some way
  quarantined    found missing, corrupt or mislabelled before, and not sent again yet`,
    )
    .action(async (options: Options) => audit(context, options));
}

async function audit(context: Context, { sample, from }: Options): Promise<void> {
  const service = await context.service();
  const json = context.json();
  const checked = { users: 0, blocks: 0, objects: 0, contents: 0 };
  const found = new Map<Finding['kind'], number>();
  let place = from;
  do {
    const answer = await service.ask({ command: 'audit', sample, ...(place && { from: place }) });
    for (const name of Object.keys(checked) as (keyof typeof checked)[]) checked[name] += answer.checked[name];
    for (const finding of answer.findings) {
      found.set(finding.kind, (found.get(finding.kind) ?? 0) + 1);
      console.log(json ? JSON.stringify(finding) : describeFinding(finding));
    }
    place = answer.next;
    if (place) console.error(`${describePlace(place)}; to go on from here later: --from ${formatPlace(place)}`);
  } while (place);

  if (json) console.log(JSON.stringify({ checked, found: Object.fromEntries(found) }));
  else console.log(formatTable([['', 'checked'], ...Object.entries(checked)]));
  if (found.size === 0) {
    if (!json) console.log('no damage');
    return;
  }
  const sums = [...found].map(([kind, count]) => `${count} ${kind}`);
  throw new AdminError('damage', `there is damage: ${sums.join(', ')}`);
}

function describeFinding({ kind, ...facts }: Finding): string {
  const listed = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  return `${kind.padEnd(13)}  ${listed.join('  ')}`;
}

function describePlace(place: AuditPlace): string {
  if (place.phase === 'holds') return `shard ${place.shard} of 64`;
  if (place.phase === 'contents') return 'small contents';
  const what = place.phase === 'counts' ? 'reference counts' : 'stored objects';
  return `${what} at ${place.after?.slice(0, 8) ?? 'their start'}`;
}

function formatPlace(place: AuditPlace): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function parsePlace(text: string): AuditPlace {
  try {
    return AuditPlace.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    throw new InvalidArgumentError('this is no place that an audit has printed');
  }
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (text !== '' && percent >= 0 && percent <= 100) return percent / 100;
  throw new InvalidArgumentError('give a number from 0 to 100');
}
