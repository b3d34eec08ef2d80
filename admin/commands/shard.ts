import { Command, InvalidArgumentError, Option } from 'commander';
import type { AdminAnswers } from '../../protocol/admin.ts';
import type { Context } from '../context.ts';
import { AdminError } from '../errors.ts';

interface Options {
  readonly to?: string;
  readonly cancel?: true;
}

export function shardCommand(context: Context): Command {
  const move = new Command('move')
    .description('move a shard to another cluster while its users keep syncing')
    .argument('<shard>', "its number; 'tidemark-admin shards' lists them", parseShard)
    .option('--to <cluster>', 'where to')
    .addOption(new Option('--cancel', 'take a move back that has not switched yet').conflicts('to'))
    .addHelpText(
      'after',
      `
The shard is copied, then what changed meanwhile; for the switch its writers wait for some seconds at most, and readers
do not. The command may be broken off at any time: give it again to go on, or --cancel.`,
    )
    .action(async (shard: number, { to, cancel }: Options) => {
      if (cancel) return await cancelMove(context, shard);
      if (to === undefined) throw new AdminError('usage', 'give --to CLUSTER, or --cancel');
      await moveShard(context, shard, to);
    });
  return new Command('shard').description('one shard').addCommand(move);
}

async function moveShard(context: Context, shard: number, to: string): Promise<void> {
  const service = await context.service();
  for (;;) {
    const answer = await service.ask({ command: 'move-shard', shard, to });
    if (context.json()) console.log(JSON.stringify({ shard, to, ...answer }));
    else console.log(`shard ${shard}: ${describeProgress(answer)}${answer.state === 'moved' ? ` to ${to}` : ''}`);
    if (answer.state === 'moved') return;
  }
}

async function cancelMove(context: Context, shard: number): Promise<void> {
  await (await context.service()).ask({ command: 'cancel-move', shard });
  if (context.json()) console.log(JSON.stringify({ shard, state: 'cancelled' }));
  else console.log(`shard ${shard}: the move is cancelled`);
}

function describeProgress(answer: AdminAnswers['move-shard']): string {
  switch (answer.state) {
    case 'copying':
      return `copying ${answer.table}, ${answer.rows} rows since the last line`;
    case 'switching':
      return `all is copied; the switch is tried again (${answer.reason})`;
    case 'moved':
      return 'moved';
  }
}

function parseShard(text: string): number {
  const shard = Number(text);
  if (/^\d+$/.test(text) && shard < 64) return shard;
  throw new InvalidArgumentError('a shard is a number from 0 to 63');
}
