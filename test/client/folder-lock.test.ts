import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { isBeingSynced, lockFolder } from '../../client/engine/folder.ts';
import { lockPlace } from '../../client/state/places.ts';
import { temporaryFolder } from './folder.ts';

const module = pathToFileURL(join(import.meta.dirname, '../../client/engine/folder.ts'));

/** A folder at which another process looks again and again, as `status` does. */
async function lookedAt(): Promise<string> {
  const root = await temporaryFolder();
  await mkdir(dirname(lockPlace(root)), { recursive: true });
  const program = `import { isBeingSynced } from '${module}';
    console.log(isBeingSynced(${JSON.stringify(root)}));
    for (;;) isBeingSynced(${JSON.stringify(root)});`;
  const looking = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void looking.kill('SIGKILL'));
  await once(looking.stdout, 'data');
  return root;
}

test('who looks whether a folder is being synced is not taken for a sync by others who look', async () => {
  const root = await lookedAt();
  const seen = Array.from({ length: 2000 }, () => isBeingSynced(root));
  expect(seen.filter(Boolean)).toEqual([]);
});

test('who looks keeps no sync from starting, and sees the one that runs', async () => {
  const root = await lookedAt();
  for (let nth = 0; nth < 100; nth++) {
    const lock = lockFolder(root);
    expect(isBeingSynced(root)).toBe(true);
    lock.release();
  }
  const { release } = lockFolder(root);
  expect(() => lockFolder(root)).toThrow(expect.objectContaining({ code: 'folder_busy' }));
  release();
});
