import { Command } from 'commander';
import { formatBytes } from '../../protocol/bytes.ts';
import type { HistoryResponse } from '../../protocol/history.ts';
import { formatTime, say } from '../common/format.ts';
import { locateEntry } from '../engine/folder.ts';
import { keepAccessTokens } from '../service/access-token.ts';
import { createApi } from '../service/api.ts';
import { loadConfiguration } from '../service/config.ts';

export function historyCommand(configFolder: () => string): Command {
  return new Command('history')
    .description('the versions of a file, newest first; deleted files have one too')
    .argument('<path>', 'a file in the synced folder')
    .option('--json', 'print one line of JSON per version')
    .addHelpText(
      'after',
      `
Examples
  tidemark history ~/Tidemark/report.odt
  tidemark history ~/Tidemark/deleted.txt --json`,
    )
    .action(async (path: string, { json }: { json?: true }) => history(configFolder(), path, json === true));
}

async function history(folder: string, path: string, json: boolean): Promise<void> {
  const configuration = await loadConfiguration(folder);
  const api = createApi(configuration.api_url, keepAccessTokens(folder, configuration));
  const { inside } = locateEntry(path);
  let before: number | undefined;
  do {
    const { body } = await api.history(configuration.device_id, inside, before);
    for (const version of body.versions) {
      if (json) console.log(JSON.stringify(version));
      else say(describeVersion(version));
    }
    before = body.more ? body.versions.at(-1)?.version : undefined;
  } while (before !== undefined);
}

function describeVersion({
  version,
  created_at,
  change_type,
  size,
  path,
}: HistoryResponse['versions'][number]): string {
  const what = change_type === 'delete' ? 'deleted' : formatBytes(size);
  return `${String(version).padStart(5)}  ${formatTime(created_at)}  ${what.padStart(8)}  ${change_type.padEnd(6)}  ${path}`;
}
