import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { messageOf } from '../../cli/reason.ts';
import type { ServiceResponse } from '../../protocol/service.ts';
import { ClientError } from '../common/errors.ts';
import { say } from '../common/format.ts';
import { keepAccessTokens } from '../service/access-token.ts';
import { type Api, createApi } from '../service/api.ts';
import { signInWithBrowser } from '../service/browser-sign-in.ts';
import { Choices, type Configuration, readConfiguration, saveConfiguration, trust } from '../service/config.ts';
import { ServiceError } from '../service/errors.ts';
import { findService } from '../service/find-service.ts';
import { KeptRequest } from '../service/kept-request.ts';
import { keyToPin } from '../service/release.ts';
import { signInWithPassword, type Tokens } from '../service/sign-in.ts';
import { openBrowser } from './open-browser.ts';
import { answers, personAt } from './person.ts';

interface Options {
  readonly user?: string;
  readonly browser?: true;
  readonly passwordStdin?: true;
  readonly deviceName?: string;
  readonly ca?: string;
  readonly json?: true;
}

export function loginCommand(configFolder: () => string): Command {
  return new Command('login')
    .description('sign in and register this device')
    .argument('<url>', 'address of the service: output ApiUrl of the deployment')
    .option('--user <name>', 'your user name, an address: asks for your password')
    .option('--browser', "sign in in your browser, on the service's pages, also at your company's identity provider")
    .option(
      '--password-stdin',
      'read the password from the standard input, and what else is asked for from its next lines',
    )
    .option('--device-name <name>', 'shown in conflict copies and in the history (default: the host name)')
    .option('--ca <file>', 'PEM file of a private CA to trust as well')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples
  tidemark login https://abc123.execute-api.eu-central-1.amazonaws.com --user you@example.com
  tidemark login https://abc123.execute-api.eu-central-1.amazonaws.com --browser
  tidemark --config ~/.config/tidemark-work login https://… --user you@work.example`,
    )
    .action(async (url: string, options: Options) => login(configFolder(), url, options));
}

async function login(folder: string, url: string, options: Options): Promise<void> {
  const ca = options.ca === undefined ? undefined : await readCa(options.ca);
  if (ca !== undefined) trust(ca);
  const service = await findService(url);
  const { tokens, username, client_id } = await signIn(service, options);
  if (tokens.refresh === undefined)
    throw new ClientError('sign_in_refused', 'the sign-in service sent no refresh token');

  const registration = new KeptRequest<string>(join(folder, 'registration.json'), `${username} at ${service.api_url}`);
  const before = await readConfiguration(folder).catch(() => undefined);
  const same = before?.username === username && before.api_url === service.api_url ? before : undefined;
  const release_key = keyToPin(service.client?.release);
  const configuration: Configuration = {
    api_url: service.api_url,
    socket_url: service.socket_url,
    provider_url: service.auth.provider_url,
    client_id,
    username,
    refresh_token: tokens.refresh,
    device_id: same?.device_id ?? (await freshId(registration)),
    device_name: deviceName(options.deviceName ?? same?.device_name ?? hostname()),
    ...(ca === undefined ? {} : { ca }),
    ...(release_key === undefined ? {} : { release_key }),
    ...(same && Choices.parse(same)),
  };
  const api = createApi(service.api_url, keepAccessTokens(folder, configuration, { first: tokens }));
  const device_id = await register(api, registration, configuration);
  await saveConfiguration(folder, { ...configuration, device_id });
  await registration.drop();
  const keyBefore = same?.release_key;
  const key_changed = release_key !== undefined && keyBefore !== undefined && keyBefore !== release_key;
  if (options.json) {
    const { device_name } = configuration;
    console.log(JSON.stringify({ username, api_url: service.api_url, device_id, device_name, key_changed }));
    return;
  }
  console.log(`signed in as ${username}; this device is ${configuration.device_name}`);
  if (key_changed) {
    say(
      'clients of this service are signed by another key than before; ask whoever runs it if you did not expect that',
    );
  }
}

interface SignedIn {
  readonly tokens: Tokens;
  readonly username: string;
  /** The client of the service's sign-in by which it happened: it alone continues it. */
  readonly client_id: string;
}

async function signIn({ auth }: ServiceResponse, { user, browser, passwordStdin }: Options): Promise<SignedIn> {
  if ((user === undefined) === (browser === undefined)) {
    throw new ClientError('usage', 'give --user NAME to sign in with a password, or --browser');
  }
  if (user !== undefined) {
    const ask = answers(passwordStdin === true);
    const tokens = await signInWithPassword(auth, user, await ask('Password'), personAt(ask));
    return { tokens, username: user, client_id: auth.client_id };
  }
  if (!auth.pages) throw new ClientError('usage', 'this service has no pages to sign in on: give --user NAME');
  return { ...(await signInWithBrowser(auth.pages, { show: openBrowser })), client_id: auth.pages.client_id };
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
