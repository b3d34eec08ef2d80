import { BLOCK_BYTES } from '../../codec/index.ts';
import { concat, noise } from './pairs.ts';

export function replaced(base: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  return concat([base.subarray(0, at), bytes, base.subarray(at + bytes.length)]);
}

/** Passes over a gap, removes bytes and inserts others, again and again. */
export function edited(
  base: Uint8Array,
  edits: readonly { gap: number; removed: number; inserted: number; seed: number }[],
): Uint8Array {
  let at = 0;
  const parts = edits.flatMap(({ gap, removed, inserted, seed }) => {
    const kept = base.subarray(at, at + gap);
    at += gap + removed;
    return [kept, noise(inserted, 20 + seed)];
  });
  return concat([...parts, base.subarray(at)]).subarray(0, BLOCK_BYTES);
}

export function replacedByAnother(row: string, index: number, all: readonly string[]): string {
  return index % 3 === 0 ? (all[(index * 7919) % all.length] ?? row) : row;
}

/** Lines of statements, indented by their depth. */
export function sourceCode(lines: number): Uint8Array {
  const words = Array.from({ length: 400 }, (_, index) => Buffer.from(noise(2 + (index % 4), index)).toString('hex'));
  const choices = noise(4 * lines, 12);
  const word = (index: number): string => words[(choices[index]! * 31 + choices[index + 1]!) % words.length]!;
  const text = Array.from({ length: lines }, (_, line) => {
    const statement = `${word(4 * line)} = node.${word(4 * line + 1)}(${word(4 * line + 2)});`;
    return '  '.repeat(1 + Math.floor(Math.abs(Math.sin(line / 7)) * 6)) + statement;
  });
  return new TextEncoder().encode(text.join('\n'));
}

/** Rows of a number of six digits and some words. */
export function table(rows: number): string[] {
  const words = noise(6 * rows, 13);
  return Array.from({ length: rows }, (_, row) => {
    const cells = Array.from(words.subarray(6 * row, 6 * row + 6), (word) => `word ${word * 7919}`);
    return `${100_000 + row},${cells.join(',')}`;
  });
}

/** Files whose headers resemble each other, so that only what follows one says whose it is. */
export function archive(numbers: readonly number[]): Uint8Array {
  const fields = noise(400, 14);
  return concat(
    numbers.flatMap((number) => [
      fields.subarray(0, 200),
      noise(10, number),
      fields.subarray(200),
      noise(500 + ((number * 7919) % 1000), number),
    ]),
  );
}

export function brief(row: string): string {
  return row.slice(0, 18);
}

export function rated(row: string, index: number): string {
  return index % 50 === 7 ? row.replace(',word', ',rated') : row;
}

export function indented(rows: readonly string[], spaces: number): Uint8Array {
  const records = rows.map((row) => ({ row, cells: row.split(',').map((cell) => cell.slice(-6)) }));
  return bytesOf([JSON.stringify(records, null, spaces)]);
}

export function bytesOf(rows: readonly string[]): Uint8Array {
  return new TextEncoder().encode(rows.join('\n')).subarray(0, BLOCK_BYTES);
}

export function changed(text: Uint8Array, from: RegExp, to: string): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(text).replaceAll(from, to));
}

export function replacedEvery(bytes: Uint8Array, distance: number): Uint8Array {
  return bytes.map((byte, index) => (index % distance === 7 ? 0x78 : byte));
}
