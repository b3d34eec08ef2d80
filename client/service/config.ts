import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { z } from 'zod';
import { ClientError, systemCode } from '../common/errors.ts';
import { storeFile } from '../common/replace-file.ts';
import { connections } from './connections.ts';
import { Limits } from './limits.ts';

/** What of the configuration the user chose, and a new sign-in of the same user leaves as it is. */
export const Choices = z.object({
  /** The folder that this device keeps in sync. */
  folder: z.object({ path: z.string(), id: z.uuid() }).optional(),
  /** Most bytes of the block cache; the client's own choice if absent. */
  cache_bytes: z.int().min(0).optional(),
  /** How fast it may send and fetch. */
  limits: Limits.optional(),
  /** Nothing is synced while the connection is metered. */
  on_metered: z.literal('pause').optional(),
});

const Configuration = Choices.extend({
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
  /** The key by which new clients are signed, in base64; absent where the service gave none at the sign-in. */
  release_key: z.string().optional(),
});
export type Configuration = z.infer<typeof Configuration>;

/** `$XDG_CONFIG_HOME/tidemark`, else `~/.config/tidemark`; on Windows below `%APPDATA%`. */
export function defaultConfigFolder(): string {
  const base = process.env.XDG_CONFIG_HOME ?? (process.platform === 'win32' ? process.env.APPDATA : undefined);
  return join(base ?? join(homedir(), '.config'), 'tidemark');
}

/** The signed-in device's configuration, its CA and its limits applied; throws `not_signed_in` when there is none. */
export async function loadConfiguration(folder: string): Promise<Configuration> {
  const found = await readConfiguration(folder);
  if (!found) {
    throw new ClientError(
      'not_signed_in',
      `no device is signed in under ${folder}: run 'tidemark login URL --user NAME'`,
    );
  }
  if (found.ca !== undefined) trust(found.ca);
  connections.limit(found.limits ?? {});
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

/**
 * Changes some of the configuration, which others may have changed since it was loaded; a device that was signed out
 * meanwhile stays so. Throws as `saveConfiguration` and `readConfiguration`.
 */
export async function changeConfiguration(folder: string, changes: Partial<Configuration>): Promise<void> {
  const present = await readConfiguration(folder);
  if (present) await saveConfiguration(folder, { ...present, ...changes });
}

/** The device is not signed in any more, as far as this machine knows. */
export async function forgetConfiguration(folder: string): Promise<void> {
  await rm(join(folder, 'config.json'), { force: true });
}

/** Trusts a private CA in this process, beside those that are trusted already. */
export function trust(pem: string): void {
  setDefaultCACertificates([...getCACertificates('default'), pem]);
}
