/*
 * Writes all files and symbolic links of a folder anew, each time with other content, until it is killed: node killed-writes.ts FOLDER. Tells
 * each time when all are in place.
 */
import { join } from 'node:path';
import { outcomeOf } from '../../client/common/turns.ts';
import { writeLink } from '../../client/disk/links.ts';
import { putInPlace } from '../../client/disk/put-in-place.ts';
import { writeTogether } from '../../client/disk/write-together.ts';

const FILES = 40;
const LINKS = 10;
const [folder] = process.argv.slice(2) as [string];
const folderId = '00000000-0000-4000-8000-000000000000';

let hints: (string | undefined)[] = Array.from({ length: FILES }, () => undefined);
let linkHints: (string | undefined)[] = Array.from({ length: LINKS }, () => undefined);
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
  const links = linkHints.map((expected, index) => {
    const place = join(folder, `link ${index}`);
    const beside = writeLink(
      { place, folderId, mode: 0o777, mtime_ms: time },
      `link ${index}`,
      Buffer.from(`to/${time}`),
    );
    return { ...beside, place, mode: 0o777, expected };
  });
  const written = files.map((file, index) => ({ ...file, ...outcomeOf(besides[index]!) }));
  const placed = await putInPlace([...written, ...links]);
  const placedHints = placed.map((file) => outcomeOf(file).hint);
  [hints, linkHints] = [placedHints.slice(0, FILES), placedHints.slice(FILES)];
  process.send?.(time);
}
