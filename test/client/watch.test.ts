import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { countEvents, watchFolder } from '../../client/disk/watch.ts';
import { temporaryFolder } from './folder.ts';

test('so many events without a pause as the queue holds mean that some may be lost; as many with pauses do not', async () => {
  let overflows = 0;
  const count = countEvents(100, () => overflows++);
  for (let times = 0; times < 99; times++) count();
  await sleep(1);
  for (let times = 0; times < 99; times++) count();
  await sleep(1);
  expect(overflows).toBe(0);
  for (let times = 0; times < 250; times++) count();
  await sleep(1);
  expect(overflows).toBe(1);
});

test.skipIf(process.platform !== 'linux')(
  'a queue that ran over while nobody read it makes all be looked at',
  async () => {
    const root = await temporaryFolder();
    const files = ['a', 'b'].map((name) => openSync(join(root, name), 'w'));
    const changed = new Set<string>();
    const watch = watchFolder(root, { onChange: (path) => changed.add(path), onDegraded: expect.fail });
    onTestFinished(() => watch.close());
    watch.directory('');
    // Alternating, since the system takes equal events in a row for one.
    const queue = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
    for (let times = 0; times < queue + 100; times++) writeSync(files[times % 2]!, 'x');
    for (const file of files) closeSync(file);
    await expect.poll(() => changed.has(''), { timeout: 30_000 }).toBe(true);
  },
);
