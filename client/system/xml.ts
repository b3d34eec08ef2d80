const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A text as XML may hold it. */
export function xml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character]!);
}
