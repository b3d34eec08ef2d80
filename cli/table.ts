/**
 * A table as text, for people: columns as wide as their widest cell, numbers as `1,234`.
 * @param left columns, counted from 0, that are aligned left; the others are aligned right
 */
export function formatTable(rows: readonly (readonly (string | number)[])[], left: readonly number[] = []): string {
  const texts = rows.map((row) => row.map((cell) => cell.toLocaleString('en-US')));
  const widths = (texts[0] ?? []).map((_, column) => Math.max(...texts.map((row) => row[column]!.length)));
  const aligned = (text: string, column: number): string =>
    left.includes(column) ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return texts.map((row) => row.map(aligned).join('  ')).join('\n');
}
