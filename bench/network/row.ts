/** What was measured of one thing, in seconds, and what it is to be at most. */
export interface Row {
  readonly name: string;
  readonly seconds: readonly number[];
  readonly goal?: number;
}
