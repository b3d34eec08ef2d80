import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Device } from '../../local/demo/devices/device.ts';
import { keepSyncing } from '../../local/demo/devices/keep-syncing.ts';
import { temporaryFolder } from '../client/folder.ts';
import { soon } from '../support/soon.ts';

test('a device of `npm start` that stops says why and how to have it back, and ends nothing else', async () => {
  const exit = vi.spyOn(process, 'exit');
  onTestFinished(() => exit.mockRestore());
  const folder = await temporaryFolder();
  // It never signed in, so that its sync ends at once.
  const device = new Device('laptop', join(folder, 'laptop'), join(folder, 'config'));
  const lines: string[] = [];
  keepSyncing(device, (line) => lines.push(line));
  await soon(() => expect(lines).toHaveLength(1));
  expect(lines[0]).toMatch(/laptop stopped syncing \(exit code [1-9]\d*\):\ntidemark: /);
  expect(lines[0]).toContain(`npx tidemark --config ${join(folder, 'config')} sync ${join(folder, 'laptop')}`);
  expect(exit).not.toHaveBeenCalled();
});
