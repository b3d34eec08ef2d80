import { Command } from 'commander';
import { ClientError } from '../common/errors.ts';
import { say } from '../common/format.ts';
import { instruct } from '../engine/wake.ts';
import { changeConfiguration, loadConfiguration } from '../service/config.ts';
import { type Metered, readMetered } from '../service/metered.ts';

type Json = { readonly json?: true };
type Manner = 'pause' | 'sync';

export function meteredCommand(configFolder: () => string): Command {
  const command = new Command('metered')
    .description('what this device does while its connection is metered (default: show it)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
NetworkManager says whether bytes cost money on this connection, by what you set for it or by a guess, as for a telephone
that shares its network. Where no NetworkManager runs, nobody says, and nothing is held back. A running sync obeys within
ten seconds.

Examples
  tidemark metered pause     sync nothing while the connection is metered
  tidemark metered sync      sync on any connection`,
    )
    .action(async ({ json }: Json) => show(configFolder(), json === true));
  const set = (manner: Manner, description: string): void => {
    const sub = new Command(manner).description(description).option('--json', 'print JSON');
    command.addCommand(
      sub.action(async () => {
        await choose(configFolder(), manner);
        // Both have the option, and the command that leads here takes it.
        await show(configFolder(), command.opts<Json>().json === true || sub.opts<Json>().json === true);
      }),
    );
  };
  set('pause', 'sync nothing while it is metered');
  set('sync', 'sync on any connection');
  return command;
}

async function choose(configFolder: string, manner: Manner): Promise<void> {
  const { folder } = await loadConfiguration(configFolder);
  if (manner === 'pause' && process.platform !== 'linux') {
    throw new ClientError(
      'usage',
      `what is metered is known on Linux only, by NetworkManager, not on ${process.platform}`,
    );
  }
  await changeConfiguration(configFolder, { on_metered: manner === 'pause' ? 'pause' : undefined });
  if (folder) instruct(folder.path, 'read-configuration');
}

const said: Readonly<Record<Metered, string>> = {
  yes: 'this connection is metered',
  no: 'this connection is not metered',
  unknown: 'nothing on this machine says whether this connection is metered',
};

async function show(configFolder: string, json: boolean): Promise<void> {
  const { on_metered = 'sync' } = await loadConfiguration(configFolder);
  const metered = await readMetered();
  if (json) console.log(JSON.stringify({ metered, on_metered }));
  else
    say(
      `${said[metered]}; ${on_metered === 'pause' ? 'nothing is synced while it is' : 'it would be used as any other'}`,
    );
}
