import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SyncStatus } from '../../protocol/output/sync-status.ts';
import { openAccount, until } from './account.ts';

test('`status` says since when a running sync is offline, and why, and what waits for that', async () => {
  const account = await openAccount();
  onTestFinished(() => account.close());
  const network = await account.network();
  const road = await account.device('road', { network });
  road.startSync((reason) => expect.fail(reason));
  await until('it is at rest', () => road.events.at(-1)?.event === 'idle');
  const shown = async (): Promise<SyncStatus> => SyncStatus.parse(JSON.parse(await road.run(['status', '--json'])));
  expect(await shown()).not.toHaveProperty('offline');
  await network.fail({ refuse: true });
  await writeFile(join(road.folder, 'note'), 'n');
  await until('it is told', () => road.events.at(-1)?.event === 'offline');
  const status = await shown();
  expect(status).toMatchObject({ running: true, offline: { message: expect.stringContaining('ECONNREFUSED') } });
  expect(status.pending).toEqual([{ do: 'upload', path: 'note' }]);
  const text = await road.run(['status']);
  expect(text).toMatch(/offline since \d{4}-.+ because the service does not answer: .+ECONNREFUSED/);
  expect(text).toContain('waits for the service note (upload)');
  await network.heal();
  await until('it is back', () => road.events.at(-1)?.event === 'idle');
  expect(await shown()).not.toHaveProperty('offline');
});
