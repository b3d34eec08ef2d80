import { Command } from 'commander';
import { ClientError } from '../common/errors.ts';
import { instruct } from '../engine/wake.ts';
import { keepAccessTokens } from '../service/access-token.ts';
import { createApi } from '../service/api.ts';
import { type Configuration, forgetConfiguration, loadConfiguration } from '../service/config.ts';
import { ServiceError } from '../service/errors.ts';

export function logoutCommand(configFolder: () => string): Command {
  return new Command('logout')
    .description('end the sign-in of this device; the files stay on its disk and at the service')
    .option('--here', 'forget it on this machine alone, when the service cannot be reached')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples
  tidemark logout
  tidemark logout --here`,
    )
    .action(async ({ here, json }: { here?: true; json?: true }) => {
      const folder = configFolder();
      const configuration = await loadConfiguration(folder);
      if (!here) await endAtService(folder, configuration);
      await forgetConfiguration(folder);
      const place = configuration.folder?.path;
      if (place !== undefined) instruct(place, 'read-configuration');
      if (json) console.log(JSON.stringify({ username: configuration.username, folder: place }));
      else
        console.log(`signed out${place === undefined ? '' : `; ${place} stays as it is, and is not synced any more`}`);
    });
}

/** Ends every token that the device has; one that has ended already is what was asked for. */
async function endAtService(folder: string, configuration: Configuration): Promise<void> {
  const api = createApi(configuration.api_url, keepAccessTokens(folder, configuration));
  try {
    await api.revokeDevice(configuration.device_id);
  } catch (error) {
    const hasEnded =
      (error instanceof ServiceError && error.code === 'device_revoked') ||
      (error instanceof ClientError && error.code === 'sign_in_refused');
    if (!hasEnded) throw error;
  }
}
