import { Command } from 'commander';
import { formatTable } from '../../cli/table.ts';
import type { AdminAnswers } from '../../protocol/admin.ts';
import type { Context } from '../context.ts';

type Shard = AdminAnswers['shards']['shards'][number];

export function shardsCommand(context: Context): Command {
  return new Command('shards')
    .description('the shards: cluster, users, live files and their bytes')
    .action(async () => {
      const { shards } = await (await context.service()).ask({ command: 'shards' });
      if (context.json()) for (const shard of shards) console.log(JSON.stringify(shard));
      else print(shards);
    });
}

function print(shards: readonly Shard[]): void {
  const sum = (column: 'users' | 'files' | 'bytes') => shards.reduce((total, shard) => total + shard[column], 0);
  const rows = shards.map(({ shard, cluster, users, files, bytes }) => [shard, cluster, users, files, bytes]);
  const total = ['all', '', sum('users'), sum('files'), sum('bytes')];
  console.log(formatTable([['shard', 'cluster', 'users', 'files', 'bytes'], ...rows, total]));
}
