import { limits } from '../../protocol/limits.ts';
import { nameOf, parentOf, pathInside } from '../../protocol/path.ts';

const mark = / \(conflicted copy, [^()]*\)/;

/** UTF-8 bytes: a longer end of a name is no extension, and a longer name of a device is cut. */
const MOST_EXTENSION = 32;
const MOST_LABEL = 64;
/** What stays of a long name at least. */
const LEAST_STEM = 8;

/**
 * A free name beside `path` for the losing side of a conflict: `name (conflicted copy, DEVICE, YYYY-MM-DD).ext`.
 * A copy of a copy replaces the mark instead of adding a second one; a number tells copies of one day apart. Where a
 * path so long cannot be, the name is shortened, and below that the copy lies in a directory further up.
 *
 * @param taken whether a path is in use on either side
 * @param inside UTF-8 bytes by which the longest path in a directory is longer than the directory's own
 */
export function conflictPath(
  path: string,
  device: string,
  date: Date,
  taken: (path: string) => boolean,
  inside = 0,
): string {
  const name = nameOf(path).replace(mark, '');
  const dot = name.lastIndexOf('.');
  const hasExtension = dot > 0 && bytes(name.slice(dot)) <= MOST_EXTENSION;
  const [stem, extension] = hasExtension ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
  const label = shorten(device.normalize('NFC').replace(/[()]/g, ''), MOST_LABEL);
  const room = (parent: string): number =>
    Math.min(limits.segmentBytes, limits.pathBytes - inside - bytes(pathInside(parent, '')));
  for (let number = 1; ; number++) {
    const suffix = ` (conflicted copy, ${label}, ${day}${number > 1 ? ` ${number}` : ''})${extension}`;
    let parent = parentOf(path);
    while (parent !== '' && room(parent) < bytes(suffix) + LEAST_STEM) parent = parentOf(parent);
    const candidate = pathInside(parent, shorten(stem, Math.max(LEAST_STEM, room(parent) - bytes(suffix))) + suffix);
    if (!taken(candidate)) return candidate;
  }
}

/** Whether a path is one that `conflictPath` makes, or lies in a directory of such a name. */
export function isConflictCopy(path: string): boolean {
  return mark.test(path);
}

/** Whether the name itself, and not only one above it, is one that `conflictPath` makes. */
export function isMarked(path: string): boolean {
  return mark.test(nameOf(path));
}

/** The path that a conflict copy was made beside, unless that was too long. */
export function originalPath(copy: string): string {
  return pathInside(parentOf(copy), nameOf(copy).replace(mark, ''));
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}

/** The longest beginning of `text` of at most `most` UTF-8 bytes that ends between characters. */
function shorten(text: string, most: number): string {
  let result = text;
  while (bytes(result) > most) result = [...result].slice(0, -1).join('');
  return result;
}
