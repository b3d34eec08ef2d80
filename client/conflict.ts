import { limits } from '../protocol/limits.ts';
import { nameOf, parentOf } from './tree.ts';

const mark = / \(conflicted copy, [^()]*\)/;

/**
 * A free name beside `path` for the losing side of a conflict: `name (conflicted copy, DEVICE, YYYY-MM-DD).ext`.
 * A copy of a copy replaces the mark instead of adding a second one; a number tells copies of one day apart.
 *
 * @param taken whether a path is in use on either side
 */
export function conflictPath(path: string, device: string, date: Date, taken: (path: string) => boolean): string {
  const name = nameOf(path).replace(mark, '');
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  const extension = dot > 0 ? name.slice(dot) : '';
  const parent = parentOf(path);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
  const label = device.replace(/[()]/g, '');
  for (let number = 1; ; number++) {
    const suffix = ` (conflicted copy, ${label}, ${day}${number > 1 ? ` ${number}` : ''})${extension}`;
    const candidate = `${parent === '' ? '' : `${parent}/`}${shorten(stem, limits.segmentBytes - bytes(suffix))}${suffix}`;
    if (!taken(candidate)) return candidate;
  }
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
