import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ClientError } from '../common/errors.ts';
import { readConfiguration } from '../service/config.ts';
import { statePlace } from '../state/places.ts';

/**
 * The synced folder that a command is about.
 * @param directory as it was given; the folder that this device syncs when `undefined`
 * @throws `usage` when no folder is synced, `folder_unknown` when this one is not
 */
export async function syncedFolder(configFolder: string, directory: string | undefined): Promise<string> {
  const configuration = await readConfiguration(configFolder);
  const root = directory === undefined ? configuration?.folder?.path : resolve(directory);
  if (root === undefined) throw new ClientError('usage', 'no folder is synced yet: run tidemark sync DIR');
  if (existsSync(statePlace(root))) return root;
  throw new ClientError('folder_unknown', `${root} is not synced: run 'tidemark sync ${root}', or mount it`);
}
