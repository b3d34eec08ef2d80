/** Lambda refuses an answer from 6,291,556 bytes on, its envelope of status, headers and quoted body included. */
export const MAX_ANSWER_BYTES = 6 * 1024 * 1024;

/** What the items of a page may take: an answer of more takes a slow line too long. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** For the envelope itself, and a field that is added to an answer afterwards. */
export const SPARE_BYTES = 4096;

/** Blocks that a page of entries reads: about 100 bytes each in an answer. A larger entry is a page of its own. */
export const PAGE_BLOCKS = 40_000;

/** Hexadecimal and base64, of which JSON quotes nothing. */
const PLAIN = /^[\w+/=]*$/;

/** What a value takes in an answer, in bytes: as JSON, which the envelope quotes again, with the comma after it. */
export function answerBytes(value: unknown): number {
  if (typeof value === 'string' && PLAIN.test(value)) return value.length + 2 * '\\"'.length + 1;
  return Buffer.byteLength(JSON.stringify(JSON.stringify(value))) - 1;
}

/** The bytes that are left beside the rest of an answer. */
export function roomBeside(rest: unknown): number {
  return MAX_ANSWER_BYTES - SPARE_BYTES - answerBytes(rest);
}

/** What an item of a record takes, in the same way. */
export function itemBytes([key, value]: readonly [key: string, value: unknown]): number {
  return answerBytes(key) + answerBytes(value);
}

/**
 * The first of the items that fit together, and always one, so that whoever reads page by page gets on.
 *
 * @param room for all of them, in bytes
 * @param bytesOf what one takes
 */
export function fitting<Item>(
  items: readonly Item[],
  room: number = PAGE_BYTES,
  bytesOf: (item: Item) => number = answerBytes,
): Item[] {
  let bytes = 0;
  const end = items.findIndex((item, index) => {
    bytes += bytesOf(item);
    return bytes > room && index > 0;
  });
  return end === -1 ? [...items] : items.slice(0, end);
}

/** The same where an answer may go without any. */
export function fittingIfAny<Item>(items: readonly Item[], room: number, bytesOf: (item: Item) => number): Item[] {
  const fit = fitting(items, room, bytesOf);
  return fit.length === 1 && bytesOf(fit[0]!) > room ? [] : fit;
}
