import { stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { openAccount } from './account.ts';

test('a time from before 1970 arrives with its file, and a later one when the file changes as well', async () => {
  const account = await openAccount();
  onTestFinished(() => account.close());
  const [desk, lap] = [await account.device('desk'), await account.device('lap')];
  const old = ({ folder }: Device): string => join(folder, 'old');
  const arrived = async (): Promise<number> => {
    await account.syncOnce(desk);
    await account.syncOnce(lap);
    return Math.floor((await stat(old(lap))).mtimeMs);
  };
  await writeFile(old(desk), 'old');
  // As text, since Node takes a negative number for the present time.
  await utimes(old(desk), '-86400.5', '-86400.5');
  expect(await arrived()).toBe(-86_400_500);
  await utimes(old(desk), '0', '0');
  expect(await arrived()).toBe(-86_400_500);
  await writeFile(old(desk), 'edited');
  await utimes(old(desk), '1', '1');
  expect(await arrived()).toBe(1000);
});
