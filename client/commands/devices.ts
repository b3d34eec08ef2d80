import { Command } from 'commander';
import { type Device, DeviceName } from '../../protocol/devices.ts';
import { ClientError } from '../common/errors.ts';
import { formatTime } from '../common/format.ts';
import { instruct } from '../engine/wake.ts';
import { keepAccessTokens } from '../service/access-token.ts';
import { type Api, createApi } from '../service/api.ts';
import { signInWithBrowser } from '../service/browser-sign-in.ts';
import { type Configuration, changeConfiguration, loadConfiguration } from '../service/config.ts';
import { findService } from '../service/find-service.ts';
import { signInWithPassword, type Tokens } from '../service/sign-in.ts';
import { openBrowser } from './open-browser.ts';
import { type Ask, answers, personAt } from './person.ts';

interface Options {
  readonly rename?: string;
  readonly revoke?: string;
  readonly passwordStdin?: true;
  readonly json?: true;
}

export function devicesCommand(configFolder: () => string): Command {
  return new Command('devices')
    .description('the devices of your account, and those revoked lately')
    .option('--rename <name>', 'give this device another name, in the history and in conflict copies from now on')
    .option('--revoke <device>', 'shut a device out, by its name or id: asks you to sign in again')
    .option('--password-stdin', 'read the password from the standard input')
    .option('--json', 'print one line of JSON per device')
    .addHelpText(
      'after',
      `
Examples
  tidemark devices
  tidemark devices --rename "desk at home"
  tidemark devices --revoke "lost laptop"`,
    )
    .action(async (options: Options) => devices(configFolder(), options));
}

async function devices(folder: string, { rename, revoke, passwordStdin, json }: Options): Promise<void> {
  if (rename !== undefined && revoke !== undefined) throw new ClientError('usage', 'give either --rename or --revoke');
  const configuration = await loadConfiguration(folder);
  const api = createApi(configuration.api_url, keepAccessTokens(folder, configuration));
  const list = (await api.devices()).body.devices;
  if (rename !== undefined) {
    const renamed = await nameThis(api, { folder, configuration, list, name: rename });
    console.log(json ? JSON.stringify(renamed) : `this device is ${renamed.name}`);
    return;
  }
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

interface Renaming {
  readonly folder: string;
  readonly configuration: Configuration;
  readonly list: readonly Device[];
  readonly name: string;
}

/** Names this device at the service, then here: given again, a command that was cut off in between does the rest. */
async function nameThis(api: Api, { folder, configuration, list, name }: Renaming): Promise<Device> {
  const { device_id, folder: synced } = configuration;
  const checked = DeviceName.safeParse(name);
  if (!checked.success) throw new ClientError('usage', `the name of a device ${checked.error.issues[0]!.message}`);
  if (list.some((device) => !device.revoked && device.name === name && device.device_id !== device_id)) {
    throw new ClientError('usage', `another device of yours is called ${name}`);
  }
  const { body } = await api.registerDevice({ device_id, name });
  await changeConfiguration(folder, { device_name: name });
  if (synced) instruct(synced.path, 'read-configuration');
  return body;
}

/** Revokes a device by a fresh sign-in of this one, which goes on by it. */
async function shutOut(folder: string, configuration: Configuration, { device_id }: Device, ask: Ask): Promise<Device> {
  const tokens = await signInAgain(configuration, ask);
  const api = createApi(configuration.api_url, keepAccessTokens(folder, configuration, { first: tokens }));
  await api.registerDevice({ device_id: configuration.device_id, name: configuration.device_name });
  if (tokens.refresh !== undefined) await changeConfiguration(folder, { refresh_token: tokens.refresh });
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
