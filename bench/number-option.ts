/** The number after an option among the words of a command line. */
export function numberOption(words: readonly string[], option: string, otherwise: number): number {
  return words.includes(option) ? Number(words[words.indexOf(option) + 1]) : otherwise;
}
