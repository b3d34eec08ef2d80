import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Disk, fuseIsPossible, mountDisk } from '../support/fuse/disk.ts';

describe.skipIf(!fuseIsPossible)('the disks that other tests rely on', () => {
  const disks: Disk[] = [];
  afterAll(() => Promise.all(disks.map((disk) => disk.close())));

  test('one fails the call that it is told to, and no other', async () => {
    const disk = await mountDisk('faults');
    disks.push(disk);
    await disk.fail({ call: 'write', nth: 2, error: 'ENOSPC', path: '^/a' });
    writeFileSync(join(disk.root, 'b'), 'not counted');
    writeFileSync(join(disk.root, 'a'), 'first');
    expect(() => writeFileSync(join(disk.root, 'a'), 'second')).toThrow('ENOSPC');
    writeFileSync(join(disk.root, 'a'), 'third');
    expect(readFileSync(join(disk.source, 'a'), 'utf8')).toBe('third');
    expect(await disk.counts()).toMatchObject({ write: 4, failed: 1, create: 2 });
  });

  test('one writes less than it was given, and says so', async () => {
    const disk = await mountDisk('faults');
    disks.push(disk);
    await disk.fail({ call: 'write', nth: 1, error: 'short' });
    const file = openSync(join(disk.root, 'a'), 'w');
    expect(writeSync(file, Buffer.alloc(1000, 1))).toBe(500);
    closeSync(file);
  });

  test('one takes its time, and does what it is asked', async () => {
    const disk = await mountDisk('faults');
    disks.push(disk);
    await disk.fail({ call: 'fsync', nth: 1, error: 'slow' });
    const file = openSync(join(disk.root, 'a'), 'w');
    writeSync(file, 'slow');
    const began = performance.now();
    fsyncSync(file);
    expect(performance.now() - began).toBeGreaterThanOrEqual(200);
    closeSync(file);
    expect(readFileSync(join(disk.source, 'a'), 'utf8')).toBe('slow');
    expect(await disk.counts()).not.toHaveProperty('failed');
  });

  test('one takes spellings of a name for one name, and keeps the first', async () => {
    const disk = await mountDisk('fold');
    disks.push(disk);
    const at = (name: string): string => join(disk.root, name);
    writeFileSync(at('Résumé.txt'.normalize('NFC')), 'one');
    writeFileSync(at('résumé.TXT'.normalize('NFD')), 'two');
    expect(readdirSync(disk.root)).toEqual(['Résumé.txt'.normalize('NFC')]);
    expect(statSync(at('RÉSUMÉ.TXT')).ino).toBe(statSync(at('Résumé.txt')).ino);
    renameSync(at('Résumé.txt'), at('résumé.txt'));
    expect(readdirSync(disk.root)).toEqual(['résumé.txt']);
  });
});
