/*
 * Writes all files of a folder anew, each time with other content, until it is killed: node killed-writes.ts FOLDER. Tells
 * each time when all are in place.
 */
import { join } from 'node:path';
import { outcomeOf } from '../../client/common/turns.ts';
import { putInPlace } from '../../client/disk/put-in-place.ts';
import { writeTogether } from '../../client/disk/write-together.ts';

const FILES = 40;
const [folder] = process.argv.slice(2) as [string];
const folderId = '00000000-0000-4000-8000-000000000000';

let hints: (string | undefined)[] = Array.from({ length: FILES }, () => undefined);
for (let time = 0; ; time++) {
  const files = hints.map((expected, index) => ({
    place: join(folder, `file ${index}`),
    folderId,
    mode: 0o644,
    mtime_ms: time,
    bytes: Buffer.from(`${time} `.repeat(1000)),
    expected,
  }));
  const besides = await writeTogether(files);
  const placed = await putInPlace(files.map((file, index) => ({ ...file, ...outcomeOf(besides[index]!) })));
  hints = placed.map((file) => outcomeOf(file).hint);
  process.send?.(time);
}
