#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { devicesCommand } from './commands/devices.ts';
import { historyCommand } from './commands/history.ts';
import { loginCommand } from './commands/login.ts';
import { restoreCommand } from './commands/restore.ts';
import { statusCommand } from './commands/status.ts';
import { syncCommand } from './commands/sync.ts';
import { ClientError, exitCode, LocalTrouble, messageOf, systemCode } from './common/errors.ts';
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
for (const command of [loginCommand, syncCommand, statusCommand, historyCommand, restoreCommand, devicesCommand]) {
  program.addCommand(command(configFolder).exitOverride().copyInheritedSettings(program));
}

// Whoever reads this may have seen enough, as `head` has. Where it goes to a file on a full disk, the sync is worth more.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  if (systemCode(error) === undefined) throw error;
});
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong, unless that was said already, and answers the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCode.usage;
  if (error instanceof ClientError) return say(error.message, error.exitCode);
  if (error instanceof LocalTrouble) return say(error.message, exitCode.failure);
  if (error instanceof Unreachable) return say(error.message, exitCode.unreachable);
  if (error instanceof ServiceError) return say(`${error.message} (${error.code})`, exitCode.failure);
  if (systemCode(error) !== undefined) return say(messageOf(error), exitCode.failure);
  return say(error instanceof Error ? (error.stack ?? error.message) : String(error), exitCode.failure);
}

function say(message: string, code: number): number {
  console.error(`tidemark: ${message}`);
  return code;
}
