import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { z } from 'zod';
import { ClientError, systemCode } from '../common/errors.ts';
import { storeFile } from '../common/replace-file.ts';

const Configuration = z.object({
  api_url: z.url(),
  socket_url: z.url(),
  provider_url: z.url(),
  client_id: z.string(),
  username: z.string(),
  refresh_token: z.string(),
  device_id: z.uuid(),
  device_name: z.string(),
  /** PEM of a private CA that is trusted beside the system's. */
  ca: z.string().optional(),
  /** The folder that this device keeps in sync. */
  folder: z.object({ path: z.string(), id: z.uuid() }).optional(),
  /** Most bytes of the block cache; the client's own choice if absent. */
  cache_bytes: z.int().min(0).optional(),
});
export type Configuration = z.infer<typeof Configuration>;

/** `$XDG_CONFIG_HOME/tidemark`, else `~/.config/tidemark`; on Windows below `%APPDATA%`. */
export function defaultConfigFolder(): string {
  const base = process.env.XDG_CONFIG_HOME ?? (process.platform === 'win32' ? process.env.APPDATA : undefined);
  return join(base ?? join(homedir(), '.config'), 'tidemark');
}

/** The signed-in device's configuration, its CA applied; throws `not_signed_in` when there is none. */
export async function loadConfiguration(folder: string): Promise<Configuration> {
  const found = await readConfiguration(folder);
  if (!found) {
    throw new ClientError(
      'not_signed_in',
      `no device is signed in under ${folder}: run 'tidemark login URL --user NAME'`,
    );
  }
  if (found.ca !== undefined) trust(found.ca);
  return found;
}

export async function readConfiguration(folder: string): Promise<Configuration | undefined> {
  const place = join(folder, 'config.json');
  const text = await readFile(place, 'utf8').catch((error) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return Configuration.parse(JSON.parse(text));
  } catch (error) {
    throw new ClientError('not_signed_in', `${place} is damaged: run 'tidemark login' again`, { cause: error });
  }
}

/**
 * Replaces the configuration in one step, unless it is that already. It holds the refresh token: only its owner can read
 * it. Throws `LocalTrouble` when the disk does not take it; the old one stays.
 */
export async function saveConfiguration(folder: string, configuration: Configuration): Promise<void> {
  const place = join(folder, 'config.json');
  const text = `${JSON.stringify(configuration, undefined, 2)}\n`;
  if ((await readFile(place, 'utf8').catch(() => undefined)) === text) return;
  await storeFile(place, text, 0o600, 0o700);
}

/** The device is not signed in any more, as far as this machine knows. */
export async function forgetConfiguration(folder: string): Promise<void> {
  await rm(join(folder, 'config.json'), { force: true });
}

/** Trusts a private CA in this process, beside those that are trusted already. */
export function trust(pem: string): void {
  setDefaultCACertificates([...getCACertificates('default'), pem]);
}
