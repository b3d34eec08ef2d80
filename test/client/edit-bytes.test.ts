import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { openAccount, startAll, until } from './account.ts';

const MIB = 1024 * 1024;

/** Bytes of content that crossed the wire since so many events. */
function bytesOf({ events }: Device, direction: 'uploaded' | 'downloaded', from: number): number {
  const later = events.slice(from);
  return later.reduce((sum, event) => sum + (event.event === direction ? event.content_bytes : 0), 0);
}

test('an edit and an insertion cross the wire as what they are, up and down', async () => {
  const account = await openAccount();
  onTestFinished(account.close);
  const [desk, lap] = [await account.device('desk'), await account.device('lap')];
  startAll(desk, lap);

  const film = randomBytes(12 * MIB);
  const edited = Buffer.from(film);
  edited.set(Buffer.from('an edit'), 5 * MIB);
  const inserted = Buffer.concat([edited.subarray(0, 1000), randomBytes(100), edited.subarray(1000)]);
  const costs: { up: number; down: number }[] = [];
  for (const content of [film, edited, inserted]) {
    const [ups, downs] = [desk.events.length, lap.events.length];
    await writeFile(join(desk.folder, 'film'), content);
    await until('it arrives', () => bytesOf(lap, 'downloaded', downs) > 0);
    expect((await readFile(join(lap.folder, 'film'))).equals(content)).toBe(true);
    costs.push({ up: bytesOf(desk, 'uploaded', ups), down: bytesOf(lap, 'downloaded', downs) });
  }
  expect(costs[0]!.down).toBe(film.length);
  for (const { up, down } of costs.slice(1)) {
    expect(up).toBeLessThan(1000);
    expect(down).toBeLessThan(1000);
  }
});
