/**
 * What a tool has used since it started, by name: `up`, `down`, `stored` and `database` in bytes, `statements`, `sqlSeconds`,
 * `requests.<whose>`, `request.<what>`, and CPU seconds as `cpu.<process>` and `function.<name>`.
 */
export type Counters = Readonly<Record<string, number>>;

/** What was used between two readings. */
export function used(before: Counters, after: Counters): Counters {
  return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
}

/** All that is counted under a name with this beginning; `undefined` where nothing is. */
export function sumOf(counters: Counters, prefix: string): number | undefined {
  const parts = Object.entries(counters).filter(([name]) => name.startsWith(prefix));
  return parts.length === 0 ? undefined : parts.reduce((sum, [, value]) => sum + value, 0);
}
