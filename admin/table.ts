/** Columns under their heads, all right-aligned. */
export function formatTable(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const texts = [heads, ...rows].map((row) => row.map((value) => value.toLocaleString('en-US')));
  const widths = heads.map((_, column) => Math.max(...texts.map((row) => row[column]!.length)));
  return texts.map((row) => row.map((text, column) => text.padStart(widths[column]!)).join('  ')).join('\n');
}
