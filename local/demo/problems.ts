/** What went wrong in a running cloud. Lines that differ in hashes and numbers only are one kind of problem. */
export class Problems {
  readonly #byKind = new Map<string, string>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Returns whether nothing of the kind was there before. */
  add(line: string): boolean {
    this.#count++;
    const kind = line.replaceAll(/[0-9a-f]{8,}|\d+/g, '#');
    if (this.#byKind.has(kind)) return false;
    this.#byKind.set(kind, line);
    return true;
  }

  /** One line of each kind, the oldest first. */
  lines(): string[] {
    return [...this.#byKind.values()];
  }
}
