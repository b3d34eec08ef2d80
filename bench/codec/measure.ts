import { median } from '../statistics.ts';

/**
 * Median milliseconds of each of the tasks. They take turns, so that whatever else the machine does meets all of them
 * alike; the first turn warms up and does not count.
 */
export async function timed<Name extends string>(
  turns: number,
  tasks: Record<Name, () => unknown>,
): Promise<Record<Name, number>> {
  const names = Object.keys(tasks) as Name[];
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let turn = 0; turn <= turns; turn++) {
    for (const name of names) {
      const started = performance.now();
      await tasks[name]();
      if (turn > 0) times.get(name)!.push(performance.now() - started);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name)!)])) as Record<Name, number>;
}
