import { Command } from 'commander';
import { keepAccessTokens } from '../service/access-token.ts';
import { loadConfiguration } from '../service/config.ts';
import { setUpSecondFactor } from '../service/second-factor.ts';
import { answers, personAt } from './person.ts';

export function mfaCommand(configFolder: () => string): Command {
  return new Command('mfa')
    .description('set up a second factor for your user, or another one when you have a new phone')
    .option('--password-stdin', 'read the code from the standard input')
    .action(async ({ passwordStdin }: { passwordStdin?: true }) => mfa(configFolder(), passwordStdin === true));
}

async function mfa(folder: string, fromStdin: boolean): Promise<void> {
  const configuration = await loadConfiguration(folder);
  const { username } = configuration;
  const accessToken = await keepAccessTokens(folder, configuration).token();
  await setUpSecondFactor(configuration, { username, accessToken }, personAt(answers(fromStdin)).enrol);
  console.log(`${username} has a second factor: a sign-in by password asks for its code`);
}
