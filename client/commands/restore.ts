import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { createApi } from '../api.ts';
import { ServiceError } from '../api-errors.ts';
import { loadConfiguration } from '../config.ts';
import { wakeSync } from '../engine.ts';
import { locate } from '../folder.ts';
import { startSession } from '../session.ts';

export function restoreCommand(configFolder: () => string): Command {
  return new Command('restore')
    .description("bring an old version of a file back, as its newest; 'tidemark history' lists them")
    .argument('<path>', 'a file in the synced folder; it may be deleted')
    .requiredOption('--version <number>', 'the version to bring back', parseVersion)
    .action(async (path: string, options: { version: number }) => restore(configFolder(), path, options.version));
}

async function restore(folder: string, path: string, version: number): Promise<void> {
  const configuration = await loadConfiguration(folder);
  const api = createApi(configuration.api_url, startSession(folder, configuration));
  const { root, inside } = locate(path);
  const device_id = configuration.device_id;
  const { body: past } = await api.history(device_id, inside);
  const newest = past.versions[0];
  const base_version = !newest || newest.change_type === 'delete' ? 0 : newest.version;
  const { body } = await api.restore({ request_id: randomUUID(), device_id, path: inside, version, base_version });
  const result = body.results[0]!;
  if ('error' in result) throw new ServiceError(result.error.code, 409, result.error.message);
  wakeSync(root);
  console.log(`${result.path} has the content of version ${version} again, as version ${result.version}`);
}

function parseVersion(text: string): number {
  const version = Number(text);
  if (Number.isInteger(version) && version > 0) return version;
  throw new InvalidArgumentError('A version is a whole number from 1; see tidemark history.');
}
