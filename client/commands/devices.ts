import { Command } from 'commander';
import type { Device } from '../../protocol/devices.ts';
import { ClientError } from '../common/errors.ts';
import { formatTime } from '../common/format.ts';
import { keepAccessTokens } from '../service/access-token.ts';
import { createApi } from '../service/api.ts';
import { signInWithBrowser } from '../service/browser-sign-in.ts';
import { type Configuration, loadConfiguration, saveConfiguration } from '../service/config.ts';
import { findService } from '../service/find-service.ts';
import { signInWithPassword, type Tokens } from '../service/sign-in.ts';
import { openBrowser } from './open-browser.ts';
import { type Ask, answers, personAt } from './person.ts';

interface Options {
  readonly revoke?: string;
  readonly passwordStdin?: true;
  readonly json?: true;
}

export function devicesCommand(configFolder: () => string): Command {
  return new Command('devices')
    .description('the devices of your account, and those revoked lately')
    .option('--revoke <device>', 'shut a device out, by its name or id: asks you to sign in again')
    .option('--password-stdin', 'read the password from the standard input')
    .option('--json', 'print one line of JSON per device')
    .action(async (options: Options) => devices(configFolder(), options));
}

async function devices(folder: string, { revoke, passwordStdin, json }: Options): Promise<void> {
  const configuration = await loadConfiguration(folder);
  const list = (await createApi(configuration.api_url, keepAccessTokens(folder, configuration)).devices()).body.devices;
  if (revoke === undefined) {
    for (const device of list) console.log(json ? JSON.stringify(device) : describeDevice(device, list, configuration));
    return;
  }
  const device = find(list, revoke);
  const revoked = await shutOut(folder, configuration, device, answers(passwordStdin === true));
  console.log(json ? JSON.stringify(revoked) : `${revoked.name} is revoked; what it has synced stays on its disk`);
}

function find(devices: readonly Device[], named: string): Device {
  const active = devices.filter(({ revoked }) => !revoked);
  const found = active.filter(({ device_id, name }) => device_id === named || name === named);
  if (found.length === 1) return found[0]!;
  const reason = found.length === 0 ? 'no device of yours is called' : 'several devices are called';
  throw new ClientError('usage', `${reason} ${named}: give the id, as 'tidemark devices --json' shows it`);
}

/** Revokes a device by a fresh sign-in of this one, which goes on by it. */
async function shutOut(folder: string, configuration: Configuration, { device_id }: Device, ask: Ask): Promise<Device> {
  const tokens = await signInAgain(configuration, ask);
  const api = createApi(configuration.api_url, keepAccessTokens(folder, configuration, { first: tokens }));
  await api.registerDevice({ device_id: configuration.device_id, name: configuration.device_name });
  if (tokens.refresh !== undefined)
    await saveConfiguration(folder, { ...configuration, refresh_token: tokens.refresh });
  return (await api.revokeDevice(device_id)).body;
}

/** As this device was signed in. */
async function signInAgain(configuration: Configuration, ask: Ask): Promise<Tokens> {
  const { username, client_id, api_url } = configuration;
  const { pages } = (await findService(api_url)).auth;
  if (pages?.client_id !== client_id) {
    return await signInWithPassword(configuration, username, await ask('Password'), personAt(ask));
  }
  const signedIn = await signInWithBrowser(pages, { show: openBrowser });
  if (signedIn.username === username) return signedIn.tokens;
  throw new ClientError('sign_in_refused', `you signed in as ${signedIn.username}, and this device is of ${username}`);
}

function describeDevice(device: Device, all: readonly Device[], { device_id: own }: Configuration): string {
  const by = all.find(({ device_id }) => device_id === device.revoked_by)?.name;
  const revoked = `revoked ${formatTime(device.revoked_at ?? 0)}${by === undefined ? '' : ` from ${by}`}`;
  const state = device.revoked ? revoked : device.device_id === own ? 'this device' : '';
  return `${formatTime(device.last_seen_at)}  ${device.name}  ${state}`.trimEnd();
}
