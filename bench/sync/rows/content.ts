import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';

const MIB = 1024 * 1024;
const PER_FOLDER = 100;

/** Files of random bytes, which nothing makes smaller, a hundred in each folder. */
export async function writeFiles(folder: string, count: number, bytes: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const place = join(folder, `folder ${Math.floor(number / PER_FOLDER)}`);
    if (number % PER_FOLDER === 0) await mkdir(place, { recursive: true });
    await writeFile(join(place, `file ${number}.bin`), randomBytes(bytes));
  }
}

export async function writeRandom(path: string, bytes: number): Promise<void> {
  await pipeline(function* () {
    for (let left = bytes; left > 0; left -= MIB) yield randomBytes(Math.min(left, MIB));
  }, createWriteStream(path));
}

/** Writes what `path` holds, with bytes inserted. */
export async function writeWithInsertion(path: string, to: string, at: number, bytes: Buffer): Promise<void> {
  const target = createWriteStream(to);
  await pipeline(createReadStream(path, { end: at - 1 }), target, { end: false });
  if (!target.write(bytes)) await once(target, 'drain');
  await pipeline(createReadStream(path, { start: at }), target);
}

/** Lines as a service logs them. */
export function logLines(bytes: number): Buffer {
  const lines: string[] = [];
  for (let length = 0; length < bytes; length += lines.at(-1)!.length) {
    const random = randomBytes(12);
    const time = new Date(1.7e12 + 137 * lines.length).toISOString();
    const what = ['accepted', 'answered', 'cached', 'refused'][random[0]! % 4];
    lines.push(`${time} web-${random[1]! % 8} INFO request ${random.toString('hex')} ${what} in ${random[2]} ms\n`);
  }
  return Buffer.from(lines.join(''), 'latin1').subarray(0, bytes);
}

/** A database of notes with an index, some 270 bytes for each. */
export function writeDatabase(path: string, records: number): void {
  const database = open(path);
  database.exec('CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT, body TEXT, edited INTEGER); BEGIN');
  const insert = database.prepare('INSERT INTO note (title, body, edited) VALUES (?, ?, ?)');
  for (let record = 0; record < records; record++) {
    insert.run(`note ${record}`, randomBytes(110).toString('hex'), record);
  }
  database.exec('COMMIT; CREATE INDEX note_edited ON note (edited)');
  database.close();
}

/** Changes one note in the middle, in place. */
export function changeRecord(path: string): void {
  const database = open(path);
  database
    .prepare('UPDATE note SET body = ?, edited = -1 WHERE id = (SELECT max(id) / 2 FROM note)')
    .run(randomBytes(110).toString('hex'));
  database.close();
}

/** Its journal would be one more file in the folder. */
function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF');
  return database;
}
