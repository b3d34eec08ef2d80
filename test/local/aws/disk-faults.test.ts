import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ObjectVersion, openJournal } from '../../../local/aws/s3/journal.ts';
import { writeAtomic } from '../../../local/files.ts';
import { recordCalls } from '../../../local/iam/calls.ts';
import { loadDeployed } from '../../../local/kept/deployed.ts';
import { type Disk, fuseIsPossible, mountDisk } from '../../support/fuse/disk.ts';

const version = (versionId: string): ObjectVersion => ({
  key: 'key',
  versionId,
  file: versionId,
  size: 1,
  etag: '""',
  contentType: 'binary/octet-stream',
  time: 0,
});

describe.skipIf(!fuseIsPossible)('on a disk that fills up', () => {
  let disk: Disk;
  beforeAll(async () => {
    disk = await mountDisk('faults');
  });
  afterAll(() => disk.close());

  test('the local S3 keeps what it answered, and nothing of what it refused', async () => {
    const folder = join(disk.root, 'bucket');
    const answered: string[] = [];
    for (const error of ['short', 'ENOSPC', 'EIO'] as const) {
      const journal = await openJournal(folder);
      for (const call of ['rename', 'write', 'fsync', 'fsyncdir'] as const) {
        for (const fails of [true, false]) {
          const id = `${error}-${call}-${fails}`;
          await writeFile(journal.temporary(id), 'x');
          if (fails) await disk.fail({ call, nth: 1, error, path: 'journal|objects' });
          await journal.put(version(id)).then(
            () => answered.push(id),
            () => undefined,
          );
          await disk.heal();
        }
      }
      await journal.close();
      const again = await openJournal(folder);
      expect(again.versions.get('key')?.map(({ versionId }) => versionId)).toEqual(answered);
      for (const id of answered) expect(await readFile(again.path(id), 'utf8')).toBe('x');
      await again.close();
      expect(answered.filter((id) => id.startsWith(error) && id.endsWith('false'))).toHaveLength(4);
    }
  });

  test('a file that is replaced stays as it was when that fails', async () => {
    const place = join(disk.root, 'settings.json');
    await writeAtomic(place, 'old');
    for (const call of ['create', 'write', 'fsync', 'rename'] as const) {
      await disk.fail({ call, nth: 1, error: 'ENOSPC' });
      await expect(writeAtomic(place, 'new')).rejects.toThrow('ENOSPC');
      await disk.heal();
      expect(await readFile(place, 'utf8')).toBe('old');
    }
  });

  test('what could not be remembered of a deployment does not keep the next from being remembered', async () => {
    const deployed = await loadDeployed(disk.root);
    await disk.fail({ call: 'write', nth: 1, error: 'ENOSPC' });
    await expect(deployed.setLastRun('gc', 1)).rejects.toThrow('ENOSPC');
    await deployed.setLastRun('gc', 2);
    expect((await loadDeployed(disk.root)).lastRun('gc')).toBe(2);
  });

  test('a record of calls that was cut off is read without the torn line', async () => {
    const call = (name: string) => ({ caller: name, role: 'r', action: 'a', resource: '*', context: {} });
    const calls = recordCalls(disk.root);
    calls.add(call('one'), 'one');
    await appendFile(join(disk.root, 'aws-calls.jsonl'), '{"caller":"tw');
    calls.add(call('two'), 'two');
    calls.add(call('three'), 'three');
    const found = recordCalls(disk.root).list();
    expect(found.map(({ caller }) => caller)).toEqual(['one', 'three']);
  });
});
