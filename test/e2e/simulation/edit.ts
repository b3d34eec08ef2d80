import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../../../client/common/errors.ts';
import type { Edit } from './scenario.ts';

/** What an edit did to contents, by their SHA-256. */
export interface Edited {
  readonly made: string[];
  readonly gone: string[];
  /** At another path since. */
  readonly moved: string[];
}

interface Place {
  readonly folder: string;
  /** Where something that is removed can lie: beside the folder, and nothing is there yet. */
  readonly trash: string;
  /** Makes the content another one than any other. */
  readonly number: number;
}

/**
 * Does as a user does, as far as the file system allows it. Nothing else of this process comes in between, so that what
 * is said to be gone is what the user saw, whatever a sync is doing.
 */
export function carryOut(change: Edit, place: Place): Edited {
  const edited: Edited = { made: [], gone: [], moved: [] };
  try {
    perform(change, place, edited);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
  return edited;
}

function perform(change: Edit, { folder, trash, number }: Place, edited: Edited): void {
  const place = join(folder, change.path);
  if (change.do === 'remove') {
    renameSync(place, trash);
    edited.gone.push(...contentsAt(trash));
  } else if (change.do === 'append') {
    replaceContent(place, (before) => Buffer.concat([before, Buffer.from(`and ${number}\n`)]), edited);
  } else if (change.do === 'move') {
    const target = join(folder, change.to);
    mkdirSync(dirname(target), { recursive: true });
    const replaced = target !== place && existsSync(target) ? contentsAt(target) : [];
    renameSync(place, target);
    edited.gone.push(...replaced);
    edited.moved.push(...contentsAt(target));
  } else {
    mkdirSync(dirname(place), { recursive: true });
    replaceContent(place, () => contentOf(number, change.kilobytes), edited);
  }
}

/** Writes into the file itself, as most programs do; an appended file has to be there. */
function replaceContent(place: string, contentFrom: (before: Buffer) => Buffer, edited: Edited): void {
  const isThere = existsSync(place);
  const file = openSync(place, isThere ? 'r+' : 'wx');
  try {
    const before = isThere ? readFileSync(file) : Buffer.alloc(0);
    const content = contentFrom(before);
    if (isThere) edited.gone.push(sha256(before));
    ftruncateSync(file);
    for (let done = 0; done < content.length; ) done += writeSync(file, content, done, content.length - done, done);
    edited.made.push(sha256(content));
  } finally {
    closeSync(file);
  }
}

/** Of a file, or of all files of a directory. */
function contentsAt(place: string): string[] {
  if (!lstatSync(place).isDirectory()) return [sha256(readFileSync(place))];
  const entries = readdirSync(place, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => sha256(readFileSync(join(entry.parentPath, entry.name))));
}

/** No two alike, and nothing that packs well. */
function contentOf(number: number, kilobytes: number): Buffer {
  const title = Buffer.from(`content ${number}\n`);
  if (kilobytes === 0) return title;
  const noise = createHash('shake256', { outputLength: kilobytes * 1024 })
    .update(title)
    .digest();
  return Buffer.concat([title, noise]);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
