import { Command } from 'commander';
import { keepAccessTokens } from '../service/access-token.ts';
import { loadConfiguration } from '../service/config.ts';
import { setUpSecondFactor } from '../service/second-factor.ts';
import { answers, personAt } from './person.ts';

interface Options {
  readonly passwordStdin?: true;
  readonly json?: true;
}

export function mfaCommand(configFolder: () => string): Command {
  return new Command('mfa')
    .description('set up a second factor for your user, or another one when you have a new phone')
    .option('--password-stdin', 'read the code from the standard input')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples
  tidemark mfa`,
    )
    .action(async (options: Options) => mfa(configFolder(), options));
}

async function mfa(folder: string, { passwordStdin, json }: Options): Promise<void> {
  const configuration = await loadConfiguration(folder);
  const { username } = configuration;
  const accessToken = await keepAccessTokens(folder, configuration).token();
  await setUpSecondFactor(configuration, { username, accessToken }, personAt(answers(passwordStdin === true)).enrol);
  if (json) console.log(JSON.stringify({ username, second_factor: true }));
  else console.log(`${username} has a second factor: a sign-in by password asks for its code`);
}
