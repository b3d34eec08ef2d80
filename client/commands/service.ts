import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { ServiceStatus } from '../../protocol/output/service-status.ts';
import { ClientError, exitCode } from '../common/errors.ts';
import { say } from '../common/format.ts';
import { sleep } from '../common/waits.ts';
import { isBeingSynced, openFolder } from '../engine/folder.ts';
import { defaultConfigFolder, loadConfiguration, readConfiguration } from '../service/config.ts';
import { readBulletin } from '../state/bulletin.ts';
import { statePlace } from '../state/places.ts';
import { type Background, keptEnvironment, type Manager, nameFor } from '../system/background.ts';
import { carryOut, run } from '../system/carry-out.ts';
import { logFileFor, type Machine, managerFor } from '../system/manager.ts';
import { describeEnd } from './overview.ts';
import { ownProgram } from './own-program.ts';

type Json = { readonly json?: true };

export function serviceCommand(configFolder: () => string): Command {
  const command = new Command('service')
    .description('sync in the background, from the moment you sign in to this machine')
    .addHelpText(
      'after',
      `
On Linux a user unit of systemd, which writes to the journal; on macOS an agent of launchd, on Windows a task, both with
a log file of their own. Who syncs several folders has one for each --config. It is started again when it fails, but for
what only you can answer: 'tidemark service status' and its log say what.

Examples
  tidemark service install ~/Tidemark
  tidemark service status
  journalctl --user --unit tidemark --follow`,
    );
  const add = (name: string, description: string): Command => {
    const sub = new Command(name).description(description).option('--json', 'print JSON');
    command.addCommand(sub);
    return sub;
  };
  add('install', 'have it run, now and after each sign-in to this machine')
    .argument('[dir]', 'the folder (default: the one this device syncs)')
    .action((directory: string | undefined, options: Json) => install(configFolder(), directory, options));
  add('start', 'start it, after a stop').action((options: Json) => act('start', configFolder(), options));
  add('stop', 'stop it, until the next sign-in or start').action((options: Json) =>
    act('stop', configFolder(), options),
  );
  add('status', 'whether it is installed and runs; exit code 1 if not').action(async (options: Json) => {
    const status = await statusOf(configFolder());
    if (!status.installed || !status.running) process.exitCode = exitCode.failure;
    print(status, options);
  });
  add('uninstall', 'stop it and remove it; the folder and the sign-in stay').action((options: Json) =>
    act('uninstall', configFolder(), options),
  );
  return command;
}

/** Has the system start the sync of a configuration again if it runs in the background; whether it does. */
export async function restartBackground(configFolder: string): Promise<boolean> {
  const status = await statusOf(configFolder).catch(() => undefined);
  if (!status?.installed || !status.running) return false;
  const { manager } = placeOf(configFolder);
  await carryOut([...manager.stop, ...manager.start]);
  return true;
}

interface Place {
  readonly name: string;
  readonly manager: Manager;
  readonly log: string | undefined;
}

/** How the sync of a configuration is run in the background on this machine. */
function placeOf(configFolder: string): Place {
  const { platform, env: environment } = process;
  const machine: Machine = { platform, home: homedir(), uid: process.getuid?.() ?? 0, environment };
  const config = resolve(configFolder);
  const name = nameFor(config, defaultConfigFolder());
  const log = logFileFor(name, machine);
  const background: Background = {
    name,
    description: 'Tidemark keeps a folder in sync',
    words: [...ownProgram(), '--config', config, 'sync', ...(log === undefined ? [] : ['--log-file', log])],
    environment: keptEnvironment(environment),
  };
  const manager = managerFor(background, machine);
  if (manager) return { name, manager, log };
  throw new ClientError(
    'no_background',
    `how ${platform} runs things in the background is not known: run 'tidemark sync' from a script`,
  );
}

async function install(configFolder: string, directory: string | undefined, options: Json): Promise<void> {
  const configuration = await loadConfiguration(configFolder);
  const wanted = directory ?? configuration.folder?.path;
  if (wanted === undefined) throw new ClientError('usage', 'which folder? Give it once: tidemark service install DIR');
  const { state } = await openFolder(configFolder, configuration, wanted, false);
  state.close();
  await act('install', configFolder, options);
  if (process.platform !== 'linux' || options.json) return;
  say(
    "It runs while you are signed in to this machine; 'loginctl enable-linger' has it run from the start of the machine.",
  );
}

async function act(
  what: 'install' | 'start' | 'stop' | 'uninstall',
  configFolder: string,
  options: Json,
): Promise<void> {
  const { manager } = placeOf(configFolder);
  const isInstalled = existsSync(manager.place);
  if (!isInstalled && (what === 'start' || what === 'stop')) {
    throw new ClientError('usage', "it is not installed: run 'tidemark service install'");
  }
  try {
    await carryOut(manager[what]);
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'no_background') throw error;
    const hint = `${manager.kind} does not do that here; 'tidemark sync' can be run by other means, as a line '@reboot' of cron`;
    throw new ClientError('no_background', `${error.message}. ${hint}.`, { cause: error });
  }
  const isWanted = what === 'install' || what === 'start';
  print(await (isWanted ? statusOnceRunning(configFolder) : statusOf(configFolder)), options);
}

/** So long a start may take, ms. */
const START_MS = 10_000;

async function statusOnceRunning(configFolder: string): Promise<ServiceStatus> {
  const end = performance.now() + START_MS;
  for (;;) {
    const status = await statusOf(configFolder);
    if (status.running || performance.now() > end) return status;
    await sleep(200);
  }
}

async function statusOf(configFolder: string): Promise<ServiceStatus> {
  const { name, manager, log } = placeOf(configFolder);
  const installed = existsSync(manager.place);
  const folder = (await readConfiguration(configFolder))?.folder?.path;
  const running = folder !== undefined && existsSync(statePlace(folder)) && isBeingSynced(folder);
  const ended = folder === undefined || running ? undefined : readBulletin(folder).ended;
  const state = installed ? await run(manager.query).then(manager.describe, () => undefined) : undefined;
  return {
    name,
    installed,
    ...(state === undefined ? {} : { state }),
    ...(folder === undefined ? {} : { folder }),
    running,
    ...(ended && { ended }),
    definition: manager.place,
    ...(log === undefined ? {} : { log }),
  };
}

function print(status: ServiceStatus, { json }: Json): void {
  if (json) {
    console.log(JSON.stringify(status));
    return;
  }
  const { name, installed, state, folder, running, definition, log } = status;
  say(`${name}: ${installed ? `installed${state === undefined ? '' : `, ${state}`}` : 'not installed'}`);
  if (folder !== undefined) say(`${folder}: ${running ? 'a sync is running' : 'no sync is running'}`);
  if (status.ended) say(describeEnd(status.ended));
  if (!installed) return;
  say(`defined in ${definition}`);
  say(`says what it does in ${log ?? `the journal: journalctl --user --unit ${name}`}`);
}
