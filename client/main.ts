#!/usr/bin/env node
/** The command line: each command of `tidemark` is a file in `commands/`, and this is where they come together. */

import './common/pool-threads.ts';
import { Command } from 'commander';
import { messageOf } from '../cli/reason.ts';
import { type Failure, runProgram } from '../cli/run-program.ts';
import manifest from '../package.json' with { type: 'json' };
import { checkIgnoreCommand } from './commands/check-ignore.ts';
import { completionCommand } from './commands/completion.ts';
import { conflictsCommand } from './commands/conflicts.ts';
import { devicesCommand } from './commands/devices.ts';
import { doctorCommand } from './commands/doctor.ts';
import { excludeCommand } from './commands/exclude.ts';
import { explainCommand } from './commands/explain.ts';
import { historyCommand } from './commands/history.ts';
import { includeCommand } from './commands/include.ts';
import { limitCommand } from './commands/limit.ts';
import { logCommand } from './commands/log.ts';
import { loginCommand } from './commands/login.ts';
import { logoutCommand } from './commands/logout.ts';
import { meteredCommand } from './commands/metered.ts';
import { mfaCommand } from './commands/mfa.ts';
import { pauseCommand } from './commands/pause.ts';
import { restoreCommand } from './commands/restore.ts';
import { resumeCommand } from './commands/resume.ts';
import { serviceCommand } from './commands/service.ts';
import { statusCommand } from './commands/status.ts';
import { syncCommand } from './commands/sync.ts';
import { updateCommand } from './commands/update.ts';
import { ClientError, exitCode, LocalTrouble, systemCode } from './common/errors.ts';
import { defaultConfigFolder } from './service/config.ts';
import { ServiceError, Unreachable } from './service/errors.ts';

const program = new Command('tidemark')
  .description('Keeps a folder identical on all your devices, through your own Tidemark service.')
  .version(manifest.version)
  // Else `restore FILE --version 1` would be asked for the client's version.
  .enablePositionalOptions()
  .option('--config <dir>', 'where this device keeps its sign-in; one per synced folder', defaultConfigFolder())
  .addHelpText(
    'after',
    `
Start with
  tidemark login https://… --user you@example.com
  tidemark sync ~/Tidemark

Files named in a .tidemarkignore at the top of the folder (gitignore syntax) stay on this device, and so do files
named ~$*, .~lock.*# and *.tmp; a rule such as !*.tmp brings them back. 'tidemark status' lists them with the rule.

Exit codes
  0  done                                   4  stopped to protect your files; the message says how to go on
  1  failed                                 5  the service cannot be reached
  2  the command line is wrong              6  sync --once: some files could not be synced
  3  not signed in, or sign-in refused      130  sync --once: ended by a signal before it was done`,
  )
  .exitOverride();
const configFolder = (): string => program.opts<{ config: string }>().config;
const commands = [
  loginCommand,
  logoutCommand,
  syncCommand,
  pauseCommand,
  resumeCommand,
  limitCommand,
  meteredCommand,
  serviceCommand,
  statusCommand,
  excludeCommand,
  includeCommand,
  explainCommand,
  checkIgnoreCommand,
  logCommand,
  conflictsCommand,
  doctorCommand,
  updateCommand,
  historyCommand,
  restoreCommand,
  devicesCommand,
  mfaCommand,
  () => completionCommand(program),
];
for (const command of commands) {
  const added = command(configFolder);
  for (const each of [added, ...added.commands]) each.exitOverride().copyInheritedSettings(program);
  program.addCommand(added);
}

void runProgram(program, failureOf, (error) => {
  // Where the output goes to a file on a full disk, the sync is worth more.
  if (systemCode(error) === undefined) throw error;
});

function failureOf(error: unknown): Failure | undefined {
  if (error instanceof ClientError) return error;
  if (error instanceof LocalTrouble) return { message: error.message, exitCode: exitCode.failure };
  if (error instanceof Unreachable) return { message: error.message, exitCode: exitCode.unreachable };
  if (error instanceof ServiceError) {
    return { message: `${error.message} (${error.code})`, exitCode: exitCode.failure };
  }
  if (systemCode(error) !== undefined) return { message: messageOf(error), exitCode: exitCode.failure };
  return undefined;
}
