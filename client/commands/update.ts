import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { type ClientRelease, isOlder, type ServedClient } from '../../protocol/client-release.ts';
import type { Update } from '../../protocol/output/update.ts';
import { ClientError } from '../common/errors.ts';
import { say } from '../common/format.ts';
import { type Configuration, changeConfiguration, loadConfiguration } from '../service/config.ts';
import { findClient } from '../service/find-service.ts';
import { trustedRelease } from '../service/release.ts';
import { type Installation, installation } from '../system/installation.ts';
import { replaceExecutable } from './replace-executable.ts';
import { restartBackground } from './service.ts';

type Release = NonNullable<ServedClient['release']>;

export function updateCommand(configFolder: () => string): Command {
  return new Command('update')
    .description('replace this program with the one that the service gives')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
It takes what is signed by the key that this device pinned when it signed in, and nothing older than itself; whatever goes
wrong, the program stays as it is. A sync in the background is started again. What npm or a package manager installed is
updated by them.

Examples
  tidemark update`,
    )
    .action(async ({ json }: { json?: true }) => {
      const update = await run(configFolder());
      if (json) console.log(JSON.stringify(update));
      else print(update);
    });
}

async function run(configFolder: string): Promise<Update> {
  const configuration = await loadConfiguration(configFolder);
  const { api_url } = configuration;
  const served = (await findClient(api_url))?.release;
  if (!served) throw refused(`${api_url} gives no client: ask whoever runs the service for a new one`);
  if (configuration.release_key === undefined) {
    throw refused("this device knows no key to check a client by: 'tidemark login' takes the service's");
  }
  const release = trustedRelease(served, configuration.release_key);
  await pin(configFolder, configuration, release);
  const [from, to] = [manifest.version, release.version];
  if (isOlder(to, from)) throw refused(`the service gives tidemark ${to}, which is older than this one, ${from}`);
  if (to === from) return { from, to, updated: false, restarted: false };
  await replace(installation(), served, release);
  return { from, to, updated: true, restarted: await restartBackground(configFolder) };
}

/** The key of the releases to come, which the one that was known vouches for. */
async function pin(folder: string, configuration: Configuration, { key }: ClientRelease): Promise<void> {
  if (key !== configuration.release_key) await changeConfiguration(folder, { release_key: key });
}

async function replace(installed: Installation, { url }: Release, release: ClientRelease): Promise<void> {
  const { version, files } = release;
  if (installed.by === 'clone') throw refused(`this one runs from a clone: check out v${version} there`);
  if (installed.by === 'npm') {
    const from = files.npm && `${url}/${files.npm.name}`;
    throw refused(`npm installed this one, and updates it: npm install --global ${from ?? `tidemark@${version}`}`);
  }
  if (installed.by === 'packages') {
    throw refused(`${installed.place} belongs to a package manager, which updates it to ${version}`);
  }
  const file = files[`${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`];
  if (!file) throw refused(`tidemark ${version} is not there for ${process.platform} on ${process.arch}`);
  if (process.platform === 'win32') throw refused(`unpack ${url}/${file.name} over ${installed.place}`);
  await replaceExecutable(installed.place, { url: `${url}/${file.name}`, file, version });
}

function refused(message: string): ClientError {
  return new ClientError('update_refused', message);
}

function print({ from, to, updated, restarted }: Update): void {
  if (!updated) say(`tidemark ${to} is what the service gives`);
  else {
    say(`tidemark ${from} is ${to} now`);
    if (restarted) say('the sync in the background runs it already');
    else say('a sync that is running goes on as it was until it is started again');
  }
}
