import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { messageOf } from '../../cli/reason.ts';
import manifest from '../../package.json' with { type: 'json' };
import type { Finding } from '../../protocol/output/finding.ts';
import { ClientError, exitCode } from '../common/errors.ts';
import { say } from '../common/format.ts';
import { keepAccessTokens } from '../service/access-token.ts';
import { type Api, createApi } from '../service/api.ts';
import { type Configuration, loadConfiguration } from '../service/config.ts';
import { statePlace } from '../state/places.ts';
import { State } from '../state/state.ts';
import { checkCdn, checkService, checkSocket, checkStore, networkRemedy } from './checks/endpoints.ts';
import { failed, fine, skipped, warning } from './checks/findings.ts';
import { checkDisk, checkSync, checkWatches } from './checks/machine.ts';

export function doctorCommand(configFolder: () => string): Command {
  return new Command('doctor')
    .description('look for what keeps this device from syncing, and say what to do about it')
    .option('--json', 'print one line of JSON per finding')
    .addHelpText(
      'after',
      `
Asks each endpoint of the service, compares the clocks, and looks at the disk and the limits of this system. It changes
nothing; a few bytes that it sends to the block store belong to no file and go after three days. Exit code 1 when
something does not work; a warning is none.

Examples
  tidemark doctor
  tidemark doctor --json | grep -v '"state":"ok"'`,
    )
    .action(async ({ json }: { json?: true }) => {
      let isWell = true;
      for await (const finding of examine(configFolder())) {
        isWell &&= finding.state !== 'failed';
        if (json) console.log(JSON.stringify(finding));
        else print(finding);
      }
      if (!isWell) process.exitCode = exitCode.failure;
    });
}

async function* examine(configFolder: string): AsyncGenerator<Finding> {
  const { platform, arch, versions } = process;
  const version = `tidemark ${manifest.version} with Node.js ${versions.node} on ${platform} ${arch}`;
  yield fine('version', version);
  const configuration = await loadConfiguration(configFolder).catch(toFinding);
  if ('check' in configuration) {
    yield configuration;
    return;
  }
  const [service, ...more] = await checkService(configuration.api_url, manifest.version);
  yield* [service!, ...more];
  const state = openState(configuration);
  try {
    if (service!.state === 'ok')
      yield* examineEndpoints(configFolder, configuration, state instanceof State ? state : undefined);
    else yield skipped('sign-in', 'the rest of the service is not tried while it does not answer');
    if (state instanceof State) yield* examineFolder(configFolder, configuration.folder!.path, state);
    else yield state;
  } finally {
    if (state instanceof State) state.close();
  }
}

function toFinding(error: unknown): Finding {
  if (!(error instanceof ClientError)) throw error;
  return { check: 'sign-in', state: 'failed', message: error.message };
}

async function* examineEndpoints(
  configFolder: string,
  configuration: Configuration,
  state: State | undefined,
): AsyncGenerator<Finding> {
  const { device_id, socket_url } = configuration;
  const api = createApi(configuration.api_url, keepAccessTokens(configFolder, configuration));
  const signIn = await checkSignIn(api, configuration);
  yield signIn;
  if (signIn.state === 'ok') {
    yield await checkStore(api, device_id);
    if (state) yield await checkCdn(api, device_id, state.trees.synced);
  }
  yield await checkSocket(socket_url);
}

/** Whether the sign-in gives tokens, and the service takes them for this device. */
async function checkSignIn(
  api: Api,
  { username, device_id, device_name, provider_url }: Configuration,
): Promise<Finding> {
  try {
    const { devices } = (await api.devices()).body;
    const own = devices.find((device) => device.device_id === device_id);
    if (own && !own.revoked) return fine('sign-in', `${username}, as ${device_name}`);
    return failed('sign-in', `${device_name} was revoked`, "sign in again with 'tidemark login URL --user NAME'");
  } catch (error) {
    const hasEnded = error instanceof ClientError && error.code === 'sign_in_refused';
    const remedy = hasEnded ? "sign in again with 'tidemark login'" : networkRemedy(new URL(provider_url).host);
    return failed('sign-in', messageOf(error), remedy);
  }
}

function openState({ folder }: Configuration): State | Finding {
  if (!folder) return skipped('folder', 'no folder is synced yet: tidemark sync DIR');
  if (existsSync(statePlace(folder.path))) {
    try {
      return new State(folder.path);
    } catch (error) {
      return failed('folder', messageOf(error), "see 'tidemark sync --help'");
    }
  }
  return failed('folder', `${folder.path} is missing, or is not the folder that was synced`, 'mount it or put it back');
}

async function* examineFolder(configFolder: string, root: string, state: State): AsyncGenerator<Finding> {
  const problems = state.problems().length;
  const message = `${root}, ${state.trees.synced.size} paths in sync`;
  if (problems === 0) yield fine('folder', message);
  else {
    const remedy = "'tidemark status' lists them, and what to do about each";
    yield warning('folder', `${message}, ${problems} with a problem`, remedy);
  }
  yield await checkDisk(root);
  yield* checkWatches([...state.trees.local.values()].filter(({ kind }) => kind === 'directory').length + 1);
  yield await checkSync(root, configFolder);
}

const marks: Readonly<Record<Finding['state'], string>> = { ok: 'ok', warning: '!', failed: 'FAILED', skipped: '-' };

function print({ check, state, message, remedy }: Finding): void {
  say(`${marks[state].padEnd(7)} ${check.padEnd(8)} ${message}`);
  if (remedy !== undefined) say(`${' '.repeat(17)}${remedy}`);
}
