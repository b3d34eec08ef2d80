import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { changeConfiguration, forgetConfiguration, saveConfiguration } from '../../client/service/config.ts';
import { temporaryFolder } from './folder.ts';

const signedIn = {
  api_url: 'https://api.example',
  socket_url: 'wss://socket.example',
  provider_url: 'https://provider.example',
  client_id: 'client',
  username: 'you@example.com',
  refresh_token: 'first',
  device_id: 'd3b07384-d113-4ec4-8c2b-9f6a0a1b2c3d',
  device_name: 'tower',
};

describe('a configuration that several commands change', () => {
  test('keeps what each of them changed', async () => {
    const folder = await temporaryFolder();
    await saveConfiguration(folder, signedIn);
    await changeConfiguration(folder, { device_name: 'attic' });
    await changeConfiguration(folder, { refresh_token: 'second' });
    const saved = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    expect(saved).toEqual({ ...signedIn, device_name: 'attic', refresh_token: 'second' });
  });

  test('stays away when the device was signed out', async () => {
    const folder = await temporaryFolder();
    await saveConfiguration(folder, signedIn);
    await forgetConfiguration(folder);
    await changeConfiguration(folder, { refresh_token: 'second' });
    await expect(readFile(join(folder, 'config.json'))).rejects.toThrow('ENOENT');
  });
});
