#!/usr/bin/env node
import { Command, Option } from 'commander';
import { runProgram } from '../cli/run-program.ts';
import manifest from '../package.json' with { type: 'json' };
import { auditCommand } from './commands/audit.ts';
import { restoredCommand } from './commands/restored.ts';
import { shardCommand } from './commands/shard.ts';
import { shardsCommand } from './commands/shards.ts';
import { usersCommand } from './commands/users.ts';
import type { Context } from './context.ts';
import { AdminError } from './errors.ts';
import { serviceHere, serviceInAws } from './service.ts';

const program = new Command('tidemark-admin')
  .description('Looks after a Tidemark service: for the people who run it.')
  .version(manifest.version)
  .addOption(
    new Option(
      '--function <name>',
      'a service in AWS: output AdminFunction of its stack TidemarkMaintenance',
    ).conflicts('operator'),
  )
  .addOption(
    new Option('--operator <file>', "a service on this machine: the file that 'npm start' writes").default(
      'tidemark-data/cloud/operator.json',
    ),
  )
  .option('--json', 'print JSON: one line per result')
  .addHelpText(
    'after',
    `
In AWS the command uses your AWS credentials and region; they need to assume the role in output OperatorRole, or any
right to invoke the function.

Exit codes
  0  done                                   3  the function cannot be invoked: credentials, name or network
  1  failed, or refused                     4  audit: there is damage
  2  the command line is wrong`,
  )
  .exitOverride();

const context: Context = {
  service() {
    const { function: name, operator } = program.opts<{ function?: string; operator: string }>();
    return name === undefined ? serviceHere(operator) : serviceInAws(name);
  },
  json: () => program.opts<{ json?: true }>().json === true,
};
for (const command of [shardsCommand, shardCommand, usersCommand, auditCommand, restoredCommand])
  adopt(program, command(context));

void runProgram(
  program,
  (error) => (error instanceof AdminError ? error : undefined),
  (error) => {
    throw error;
  },
);

/** Gives a command, and those below it, what `program` has set. */
function adopt(parent: Command, command: Command): void {
  if (!parent.commands.includes(command)) parent.addCommand(command);
  command.exitOverride().copyInheritedSettings(parent);
  for (const below of command.commands) adopt(command, below);
}
