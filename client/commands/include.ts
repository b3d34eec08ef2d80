import { Command } from 'commander';
import { isInside, isWithin } from '../../protocol/path.ts';
import { ClientError } from '../common/errors.ts';
import { say } from '../common/format.ts';
import { isBeingSynced, locateInFolder } from '../engine/folder.ts';
import { instruct } from '../engine/wake.ts';
import { noteExclusions, readExclusions } from '../state/exclusions.ts';

export function includeCommand(): Command {
  return new Command('include')
    .description('bring back a folder that was left out on this device')
    .argument('<folder>', 'the folder, or one around several')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
What is missing here is downloaded. What stayed on this disk, or came to it meanwhile, is merged with what the service
has; where both changed, both are kept.

Examples
  tidemark include ~/Tidemark/photos
  tidemark include ~/Tidemark           brings back all of them`,
    )
    .action((folder: string, { json }: { json?: true }) => include(folder, json === true));
}

async function include(folder: string, json: boolean): Promise<void> {
  const { root, inside } = locateInFolder(folder);
  const before = readExclusions(root);
  const around = before.find((one) => isInside(inside, one));
  if (around !== undefined) throw new ClientError('usage', `${inside} is left out with ${around}: include that`);
  const isMeant = (one: string): boolean => isWithin(one, inside);
  const back = before.filter(isMeant);
  if (back.length === 0)
    throw new ClientError('usage', `${inside || root} is not left out: 'tidemark exclude' lists what is`);
  await noteExclusions(
    root,
    before.filter((one) => !isMeant(one)),
  );
  instruct(root, 'read-rules');
  const when = isBeingSynced(root) ? 'now' : 'when a sync runs';
  if (json) console.log(JSON.stringify({ folder: root, excluded: readExclusions(root), included: back }));
  else for (const one of back) say(`${one} comes back ${when}`);
}
