/** What was measured of one thing, in seconds, and what it is to be at most. */
export interface Row {
  readonly name: string;
  readonly seconds: readonly number[];
  readonly goal?: number;
}

/** A line for who waits for the table. */
export function describeRow({ name, seconds }: Row): string {
  return `${name}: ${seconds.map((one) => one.toFixed(1)).join(', ')} s`;
}
