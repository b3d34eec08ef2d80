import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { messageOf } from '../../cli/reason.ts';
import { ClientError } from '../common/errors.ts';
import { keepAccessTokens } from '../service/access-token.ts';
import { type Api, createApi } from '../service/api.ts';
import { type Configuration, readConfiguration, saveConfiguration, trust } from '../service/config.ts';
import { ServiceError } from '../service/errors.ts';
import { findService } from '../service/find-service.ts';
import { KeptRequest } from '../service/kept-request.ts';
import { signInWithPassword } from '../service/sign-in.ts';
import { answers, personAt } from './person.ts';

interface Options {
  readonly user: string;
  readonly passwordStdin?: true;
  readonly deviceName?: string;
  readonly ca?: string;
}

export function loginCommand(configFolder: () => string): Command {
  return new Command('login')
    .description('sign in and register this device')
    .argument('<url>', 'address of the service: output ApiUrl of the deployment')
    .requiredOption('--user <name>', 'your user name, an address')
    .option(
      '--password-stdin',
      'read the password from the standard input, and what else is asked for from its next lines',
    )
    .option('--device-name <name>', 'shown in conflict copies and in the history (default: the host name)')
    .option('--ca <file>', 'PEM file of a private CA to trust as well')
    .action(async (url: string, options: Options) => login(configFolder(), url, options));
}

async function login(folder: string, url: string, options: Options): Promise<void> {
  const ca = options.ca === undefined ? undefined : await readCa(options.ca);
  if (ca !== undefined) trust(ca);
  const service = await findService(url);
  const ask = answers(options.passwordStdin === true);
  const tokens = await signInWithPassword(service.auth, options.user, await ask('Password'), personAt(ask));
  if (tokens.refresh === undefined)
    throw new ClientError('sign_in_refused', 'the sign-in service sent no refresh token');

  const registration = new KeptRequest<string>(
    join(folder, 'registration.json'),
    `${options.user} at ${service.api_url}`,
  );
  const before = await readConfiguration(folder).catch(() => undefined);
  const same = before?.username === options.user && before.api_url === service.api_url ? before : undefined;
  const configuration: Configuration = {
    api_url: service.api_url,
    socket_url: service.socket_url,
    provider_url: service.auth.provider_url,
    client_id: service.auth.client_id,
    username: options.user,
    refresh_token: tokens.refresh,
    device_id: same?.device_id ?? (await freshId(registration)),
    device_name: deviceName(options.deviceName ?? same?.device_name ?? hostname()),
    ...(ca === undefined ? {} : { ca }),
    ...(same?.folder === undefined ? {} : { folder: same.folder }),
    ...(same?.cache_bytes === undefined ? {} : { cache_bytes: same.cache_bytes }),
  };
  const api = createApi(service.api_url, keepAccessTokens(folder, configuration, { first: tokens }));
  const device_id = await register(api, registration, configuration);
  await saveConfiguration(folder, { ...configuration, device_id });
  await registration.drop();
  console.log(`signed in as ${options.user}; this device is ${configuration.device_name}`);
}

/** The id of a new device, kept until it is registered: who tries again registers no second one. */
async function freshId(registration: KeptRequest<string>): Promise<string> {
  const id = (await registration.read()) ?? randomUUID();
  await registration.keep(id);
  return id;
}

/** Registers the device; one that was revoked comes back as a new one. */
async function register(
  api: Api,
  registration: KeptRequest<string>,
  { device_id, device_name: name }: Configuration,
): Promise<string> {
  try {
    await api.registerDevice({ device_id, name });
    return device_id;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'device_revoked') throw error;
    const kept = await registration.read();
    if (kept === device_id) await registration.drop();
    const fresh = await freshId(registration);
    await api.registerDevice({ device_id: fresh, name });
    return fresh;
  }
}

async function readCa(place: string): Promise<string> {
  const pem = await readFile(place, 'utf8').catch((error) => {
    throw new ClientError('usage', `--ca ${place} cannot be read: ${messageOf(error)}`);
  });
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new ClientError('usage', `--ca ${place} holds no certificate in PEM form`);
}

/** The service takes 1 to 64 characters without slashes. */
function deviceName(name: string): string {
  return name.replace(/[\p{Cc}/\\]/gu, '-').slice(0, 64) || 'device';
}
