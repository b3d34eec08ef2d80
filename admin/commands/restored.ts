import { Command } from 'commander';
import type { Context } from '../context.ts';

export function restoredCommand(context: Context): Command {
  return new Command('restored')
    .description('after the database was set back to a backup: have every device merge with it')
    .addHelpText(
      'after',
      `
Devices have read changes that the backup does not hold. From this command on each of them, whenever it comes, compares
its whole folder with the service: what only the device has is uploaded again, what only the service has is downloaded,
and nothing is deleted. Give it once after every restore, before the functions that write are let run again.`,
    )
    .action(async () => {
      const { accounts } = await (await context.service()).ask({ command: 'begin-timelines' });
      if (context.json()) console.log(JSON.stringify({ accounts }));
      else console.log(`${accounts} accounts: their devices merge when they next connect`);
    });
}
