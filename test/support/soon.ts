import { vi } from 'vitest';

/** Waits until `holds` throws no more, however much else the machine has to do. */
export function soon<Result>(holds: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(holds, { timeout: 20_000 });
}
